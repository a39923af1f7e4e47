import numpy as np

from phantom_maps import noise_maps, phantom_masks, soft_maps, with_background


def test_soft_maps_say_what_the_masks_say_away_from_outlines():
    masks = phantom_masks(3, 256)
    maps = soft_maps(np.random.default_rng(0), masks, 128)
    assert maps.dtype == np.float32
    assert maps.shape == (29, 128, 128)
    told = (maps > 0.5).repeat(2, axis=1).repeat(2, axis=2)
    assert 2 * (told & (masks > 0)).sum() / (told.sum() + masks.sum()) > 0.8
    assert ((maps > 0) & (maps < 1)).all()


def test_exclusive_maps_sum_to_one():
    maps = with_background(noise_maps(np.random.default_rng(0), 4, 8))
    assert maps.shape == (4, 8, 8)
    assert np.allclose(maps.sum(0), 1)
