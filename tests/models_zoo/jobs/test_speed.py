import pytest

from ensemble.classes import ClassList
from ensemble.fusion.ensembles import Ensemble
from ensemble.fusion.inference import windows_over
from ensemble.fusion.weights import uniform_weights
from ensemble.members.manifest import WindowSpec
from fakes import smooth_image, tiny_member
from models_zoo.jobs.speed import ms_per_image

SIZE = (61, 47)


def inputs_seen(member):
    """How many inputs go through the network of a member from here on, in a list of batches."""
    seen = []
    member.network.register_forward_hook(lambda _network, args, _out: seen.append(len(args[0])))
    return seen


@pytest.mark.parametrize("window", [None, WindowSpec()], ids=["resized", "windows"])
def test_every_run_takes_the_whole_image_and_none_more(window):
    member = tiny_member("m", ClassList(("a", "b")), (16, 20), window=window, at_once=3)
    seen = inputs_seen(member)
    assert ms_per_image(Ensemble([member], uniform_weights([member])), smooth_image(SIZE)) > 0
    windows = windows_over(member.manifest.input, SIZE)
    each = len(windows.starts) * 3 if window else 1
    assert len(windows.starts) == 5
    assert sum(seen) == 6 * each
