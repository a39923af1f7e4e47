"""Soft maps and pieces of them, against the float64 twin that looks at one view at a time."""

import numpy as np
import pytest

import reference
from ensemble.classes import ClassList
from ensemble.errors import MemberError
from ensemble.fusion.inference import soft_map, windows_over
from ensemble.maps.views import parse_views
from ensemble.members.manifest import WindowSpec
from ensemble.members.preprocess import prepare_image
from fakes import smooth_image, tiny_member

CLASSES = ClassList(("left", "right", "spine"), mirror_pairs=(("left", "right"),))
TOLERANCE = 1e-5
VIEWS = ["", "hflip", "rot90,brightness=0.8:1.1"]
WINDOWS = [WindowSpec(), WindowSpec(overlap=0.5, weighting="flat"), WindowSpec(overlap=0)]
SIZES = [(61, 47), (20, 16), (7, 90), (45, 3), (1, 1)]


def windowed(window, *, at_once=1):
    return tiny_member("m", CLASSES, (20, 16), seed=3, window=window, at_once=at_once)


def put_together(member, image, views="", space="prob"):
    """The map (C, H, W) of all pieces, whatever row of windows they are of."""
    spec, size = member.manifest.input, image.shape[:2]
    pixels, windows = prepare_image(image, spec), windows_over(spec, size)
    total = np.zeros((len(CLASSES), *size))
    for row in range(len(windows.starts)):
        for piece in windows.look(member, pixels, row, parse_views(views), space):
            height, width = piece.maps.shape[1:]
            assert piece.top == windows.starts[row]
            assert piece.top + height <= size[0]
            assert piece.left + width <= size[1]
            place = total[:, piece.top : piece.top + height, piece.left : piece.left + width]
            place += piece.maps.numpy()
    return total


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("window", WINDOWS, ids=["gaussian", "flat", "no overlap"])
@pytest.mark.parametrize("views", VIEWS)
def test_pieces_of_windows_make_up_the_map_of_the_twin(size, window, views):
    member, image = windowed(window), smooth_image(size)
    expected = reference.soft_map(member, parse_views(views), image, "prob")
    np.testing.assert_allclose(put_together(member, image, views), expected, atol=TOLERANCE)


def test_windows_sum_logits_where_logits_are_averaged():
    member, image = windowed(WindowSpec()), smooth_image((33, 41))
    expected = reference.soft_map(member, parse_views("hflip"), image, "logit")
    found = put_together(member, image, "hflip", "logit")
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert found.min() < 0


@pytest.mark.parametrize("at_once", [2, 3, 100])
def test_it_does_not_matter_how_many_windows_go_through_the_network_at_once(at_once):
    image = smooth_image((50, 61))
    one_by_one = put_together(windowed(WindowSpec()), image, "hflip")
    together = put_together(windowed(WindowSpec(), at_once=at_once), image, "hflip")
    np.testing.assert_allclose(together, one_by_one, rtol=0, atol=1e-6)


def test_no_more_windows_go_through_the_network_at_once_than_allowed():
    member, batches = windowed(WindowSpec(), at_once=3), []
    member.network.register_forward_hook(lambda _net, args, _out: batches.append(len(args[0])))
    put_together(member, smooth_image((20, 61)))
    assert batches == [3, 2]


@pytest.mark.parametrize("space", ["prob", "logit"])
@pytest.mark.parametrize("views", VIEWS)
def test_the_map_of_a_resized_image_is_that_of_the_twin(views, space):
    member, image = tiny_member("m", CLASSES, (24, 32), seed=1), smooth_image((61, 47))
    pixels = prepare_image(image, member.manifest.input)
    found = soft_map(member, pixels, parse_views(views), space).numpy()
    expected = reference.soft_map(member, parse_views(views), image, space)
    assert found.shape == (3, 24, 32)
    np.testing.assert_allclose(found, expected, atol=1e-4 if space == "logit" else TOLERANCE)


def test_an_answer_that_makes_no_sense_names_the_member():
    member = tiny_member("broken one", CLASSES, (24, 32))
    member.network.weight.data = member.network.weight.data[:2]
    member.network.bias.data = member.network.bias.data[:2]
    pixels = prepare_image(smooth_image((9, 9)), member.manifest.input)
    with pytest.raises(MemberError, match="broken one"):
        soft_map(member, pixels, parse_views(""), "prob")
