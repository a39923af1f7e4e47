import pytest
import torch
import ttach
from hypothesis import given
from hypothesis import strategies as st

import reference
from ensemble.errors import ConfigError
from ensemble.maps.views import IDENTITY, View, format_views, mean_over_views, parse_views

symmetries = st.builds(View, st.booleans(), st.booleans(), st.booleans())
sizes = st.tuples(st.integers(1, 9), st.integers(1, 9))


def image(size, channels=2):
    return torch.arange(float(channels * size[0] * size[1])).reshape(1, channels, *size)


@given(symmetries, sizes)
def test_invert_undoes_a_symmetry_exactly_on_every_size(view, size):
    batch = image(size)
    assert torch.equal(view.invert(view.apply(batch, 1), size), batch)


@given(symmetries, symmetries, sizes)
def test_then_is_doing_one_after_the_other(first, second, size):
    batch = image(size)
    composed = first.then(second).apply(batch, 1)
    assert torch.equal(composed, second.apply(first.apply(batch, 1), 1))


@given(symmetries, st.sampled_from([0.5, 0.75, 1.25]), st.integers(1, 5), st.integers(1, 5))
def test_a_scaled_view_comes_back_to_the_exact_grid(view, scale, rows, columns):
    size = (8 * rows, 8 * columns)
    scaled = view.then(View(scale=scale))
    taken = scaled.apply(image(size), 8)
    assert taken.shape[2] % 8 == taken.shape[3] % 8 == 0
    assert scaled.invert(taken, size).shape == image(size).shape


def test_a_scaled_view_keeps_a_ramp_in_place():
    ramp = torch.linspace(0, 1, 64).expand(1, 1, 64, 64)
    view = View(scale=0.75)
    back = view.invert(view.apply(ramp, 16), (64, 64))
    assert (back - ramp)[..., 4:-4].abs().max() < 2e-3


def test_quarter_turns_are_those_of_torch():
    batch = image((3, 5))
    turned = [view.apply(batch, 1) for view in parse_views("rot90")]
    for quarter, answer in enumerate(turned):
        assert torch.equal(answer, torch.rot90(batch, quarter, (2, 3)))


def test_views_equal_those_of_ttach_where_ttach_is_right():
    ours = parse_views("hflip,rot90")
    theirs = ttach.Compose([ttach.HorizontalFlip(), ttach.Rotate90(angles=[0, 90, 180, 270])])
    batch = image((4, 4))
    assert len(ours) == len(theirs)
    for view, transformer in zip(ours, theirs, strict=True):
        assert torch.equal(view.apply(batch, 1), transformer.augment_image(batch))


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ("", "identity"),
        ("hflip", "identity,hflip"),
        ("hflip,vflip", "identity,vflip,hflip,rot180"),
        ("scale=0.75:1", "scale=0.75,identity"),
        ("hflip,scale=1:1.25", "identity,scale=1.25,hflip,hflip*scale=1.25"),
    ],
)
def test_a_specification_is_a_product(spec, names):
    assert format_views(parse_views(spec)) == names


def test_views_that_come_out_equal_are_kept_once():
    assert len(parse_views("hflip,vflip,rot90")) == 8
    assert set(parse_views("d4")) == set(parse_views("hflip,vflip,rot90"))


@given(symmetries)
def test_mirrored_views_are_those_that_turn_a_left_hand_into_a_right_one(view):
    corner = torch.tensor([[0.0, 1.0], [3.0, 2.0]])[None, None]
    turns = [torch.rot90(corner, k, (2, 3)) for k in range(4)]
    is_turn = any(torch.equal(view.apply(corner, 1), turn) for turn in turns)
    assert view.mirrored != is_turn


@pytest.mark.parametrize(
    "spec", ["flip", "scale=", "scale=0", "scale=nan", "scale=1:x", "hflip;vflip"]
)
def test_unknown_views_are_named_with_the_known_ones(spec):
    with pytest.raises(ConfigError, match=r"--tta.*expected"):
        parse_views(spec)


def test_classes_swap_under_mirrors_only():
    batch = torch.zeros(1, 3, 4, 6)
    batch[..., :2] = 1
    left_of_image = torch.zeros(1, 2, 4, 6)
    left_of_image[:, 0, :, :3] = left_of_image[:, 1, :, 3:] = 1
    swapped = mean_over_views(
        (View(flip_x=True),), batch, sided, stride=1, mirror_permutation=(1, 0)
    )
    assert torch.equal(swapped, left_of_image)


def sided(batch):
    """A network that calls the left half of what it sees class 0, and the right half class 1."""
    maps = torch.zeros(len(batch), 2, *batch.shape[2:])
    half = batch.shape[3] // 2
    maps[:, 0, :, :half] = maps[:, 1, :, half:] = 1
    return maps


def test_the_mean_does_not_change_the_batch():
    kept = torch.ones(1, 1, 2, 2)
    mean_over_views(
        (IDENTITY, View(flip_x=True)), kept, torch.clone, stride=1, mirror_permutation=(0,)
    )
    assert torch.equal(kept, torch.ones(1, 1, 2, 2))


def test_resizing_is_the_triangle_filter_of_the_twin():
    batch = torch.rand(1, 2, 24, 40, dtype=torch.float64)
    ours = View(scale=0.6).apply(batch, 8)[0].numpy()
    assert ours == pytest.approx(reference._resize(batch[0].numpy(), ours.shape[1:]), abs=1e-9)


@given(
    st.sampled_from(["", "hflip", "d4", "rot90,scale=0.5:1", "hflip,brightness=0.8:1,scale=1:1.5"]),
    st.integers(1, 3),
    st.integers(1, 9),
)
def test_views_at_once_give_the_mean_of_views_one_by_one(spec, count, at_once):
    batch = torch.rand(count, 2, 8, 12, generator=torch.Generator().manual_seed(0))
    given = {"stride": 4, "mirror_permutation": (1, 0)}
    one_by_one = mean_over_views(parse_views(spec), batch, lambda x: x**2, **given)
    together = mean_over_views(parse_views(spec), batch, lambda x: x**2, **given, at_once=at_once)
    assert torch.allclose(one_by_one, together, atol=1e-6)


def test_scales_that_round_to_one_size_go_through_the_network_once():
    inputs = []

    def forward(batch):
        inputs.append(tuple(batch.shape))
        return batch.clone()

    batch = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    views = parse_views("scale=0.99:1:1.01")
    mean = mean_over_views(views, batch, forward, stride=32, mirror_permutation=(0,))
    assert inputs == [(1, 1, 32, 32)]
    assert torch.allclose(mean, batch)


def test_equal_sizes_off_the_input_are_computed_once_too():
    inputs = []

    def forward(batch):
        inputs.append(tuple(batch.shape))
        return batch.clone()

    views = parse_views("scale=0.74:0.75")
    batch = torch.rand(1, 1, 128, 128, generator=torch.Generator().manual_seed(0))
    mean = mean_over_views(views, batch, forward, stride=32, mirror_permutation=(0,))
    assert inputs == [(1, 1, 96, 96)]
    alone = mean_over_views(views[:1], batch, forward, stride=32, mirror_permutation=(0,))
    assert torch.allclose(mean, alone)


def test_a_product_of_scales_must_stay_in_range():
    with pytest.raises(ConfigError, match=r"scale comes out of range.*scale=64"):
        parse_views("scale=8,scale=8")


def test_intensities_change_about_the_mean_and_stay_in_range():
    batch = torch.tensor([[[[0.2, 0.4, 0.9]]]])
    assert torch.allclose(
        View(brightness=1.2, contrast=0.5).apply(batch, 1), torch.tensor([[[[0.42, 0.54, 0.84]]]])
    )
    assert View(contrast=3.0).apply(batch, 1).flatten().tolist() == pytest.approx([0, 0.2, 1])


def test_intensity_views_are_named_and_multiplied_out():
    views = parse_views("brightness=0.9:1,contrast=1:1.2")
    assert format_views(views) == "brightness=0.9,brightness=0.9*contrast=1.2,identity,contrast=1.2"
    with pytest.raises(ConfigError, match=r"brightness must be a number above 0: .* 0\.1 to 8"):
        parse_views("brightness=0")
