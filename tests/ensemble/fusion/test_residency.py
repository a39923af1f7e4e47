import gc
import weakref
from contextlib import contextmanager

import pytest
import torch

from ensemble.classes import ClassList
from ensemble.data.datasets import open_images
from ensemble.errors import DeviceMemoryError, MemberError
from ensemble.fusion import residency
from ensemble.fusion.ensembles import Ensemble, load_ensemble
from ensemble.fusion.weights import uniform_weights
from ensemble.maps.views import parse_views
from ensemble.members.manifest import WindowSpec
from ensemble.members.member import RunOptions
from ensemble.memory import Usage
from ensemble.predict import predict
from ensemble.prediction_plan import Held, plan_prediction
from fakes import smooth_image, tiny_member, write_images, write_member_file

CLASSES = ClassList(("left", "right"), mirror_pairs=(("left", "right"),))
EACH = 100
VIEWS = parse_views("hflip")


@pytest.fixture
def files(tmp_path):
    return [
        write_member_file(tmp_path / "members" / f"m{seed}.pt", CLASSES, (side, side), seed)
        for seed, side in enumerate((32, 64, 32))
    ]


@pytest.fixture
def loaded(monkeypatch):
    """Members ever loaded; each that still has its network counts as EACH bytes of memory."""
    members = []
    load = residency.load_member

    def record(*args):
        members.append(load(*args))
        return members[-1]

    @contextmanager
    def counted(device):
        usage = Usage(0, 0, 0)
        yield usage
        usage.peak = EACH * sum(has_network(member) for member in members)

    monkeypatch.setattr(residency, "load_member", record)
    monkeypatch.setattr(residency, "measured", counted)
    return members


def has_network(member):
    return member._network is not None


def turns(files, max_bytes):
    options = RunOptions(device="cpu", max_bytes=max_bytes)
    return residency.load_in_turns(files, VIEWS, options)


@pytest.mark.parametrize(
    ("max_bytes", "sizes"), [(None, [3]), (3 * EACH, [3]), (2 * EACH, [2, 1]), (EACH, [1, 1, 1])]
)
def test_members_take_as_few_turns_as_memory_allows(files, loaded, max_bytes, sizes):
    taken = turns(files, max_bytes)
    assert [len(turn) for turn in taken.turns] == sizes
    assert [member.name for member in taken.members] == ["m0", "m1", "m2"]
    assert taken.peak_bytes == EACH * max(sizes)
    assert [has_network(member) for member in taken.members] == [len(sizes) == 1] * 3


def test_a_member_that_does_not_fit_alone_is_named(files, loaded):
    with pytest.raises(DeviceMemoryError, match=r"m0 does .*99.*100.*\(raise --max-memory\)"):
        turns(files, EACH - 1)


def test_running_out_of_memory_begins_a_turn(files, loaded, monkeypatch):
    def rehearse(member, views):
        if sum(has_network(other) for other in loaded) > 1:
            raise DeviceMemoryError("out of memory")

    monkeypatch.setattr(residency, "rehearse", rehearse)
    assert [len(turn) for turn in turns(files, None).turns] == [1, 1, 1]


def test_turns_give_the_masks_of_members_that_stay(files, loaded, tmp_path):
    write_images(tmp_path / "test", {f"{i}.png": (40 + i, 50) for i in range(5)})
    images = open_images(tmp_path / "test")
    specs = [str(tmp_path / "members")]
    texts = []
    for max_bytes in (None, 2 * EACH):
        loaded.clear()
        options = RunOptions(device="cpu", max_bytes=max_bytes)
        ensemble = load_ensemble(specs, views="hflip", options=options)
        plan = plan_prediction(ensemble, images)
        assert plan.held.round_size == (1 if max_bytes is None else 64)
        predict(ensemble, images, tmp_path / "p.csv", plan=plan)
        texts.append((tmp_path / "p.csv").read_text())
    assert texts[0] == texts[1]
    assert len(texts[0].splitlines()) == 11


def test_rounds_shrink_to_the_memory_there_is(files, loaded, tmp_path):
    write_images(tmp_path / "test", {"a.png": (40, 50)})
    images = open_images(tmp_path / "test")
    options = RunOptions(device="cpu", max_bytes=2 * EACH)
    ensemble = load_ensemble([str(path) for path in files], options=options)
    most = plan_prediction(ensemble, images)
    sizes = {most.held.round_size}
    while most.held != Held(1, 1, 1):
        most = plan_prediction(ensemble, images, most.memory_bytes - 1)
        sizes.add(most.held.round_size)
    assert sizes == {64, 32, 16, 8, 4, 2, 1}


def test_members_are_let_go_after_their_turn_even_if_it_fails(files, loaded):
    first, second, _ = turns(files, EACH).members
    seen = []

    def work():
        with residency.resident([first]):
            seen.append((has_network(first), has_network(second)))
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert seen == [(True, False)]
    assert not has_network(first)


def test_a_member_file_that_changes_between_turns_is_refused(files, loaded):
    member = turns(files, EACH).members[0]
    files[1].replace(files[0])
    with pytest.raises(MemberError, match="changed while it was in use"):
        member.restore()


def test_members_of_one_name_are_refused(files, loaded):
    with pytest.raises(MemberError, match="same name"):
        turns([files[0], files[0]], None)


def test_a_released_network_is_a_bug_to_ask_for(files, loaded):
    member = turns(files, EACH).members[0]
    with pytest.raises(RuntimeError, match="m0 was released"):
        member.network.eval()


def test_an_ensemble_without_files_keeps_its_members(files, loaded):
    taken = turns(files, None)
    ensemble = load_ensemble([str(path) for path in files], options=RunOptions(device="cpu"))
    alone = Ensemble(taken.members, ensemble.weights)
    image = smooth_image((33, 47))
    for ours, theirs in zip(alone.predict(image), ensemble.predict(image), strict=True):
        assert (ours == theirs).all()


def test_a_turn_that_weighs_nothing_is_left_out_and_the_other_still_loaded(files, loaded):
    taken = turns(files[:2], EACH)
    weights = uniform_weights(taken.members)
    weights.weights[1] = 0
    image = smooth_image((33, 47))
    masks = Ensemble(taken.members, weights, residency=taken).predict(image)
    alone = load_ensemble([str(files[0])], options=RunOptions(device="cpu")).predict(image)
    for ours, theirs in zip(masks, alone, strict=True):
        assert (ours == theirs).all()


def test_nothing_of_an_attempt_that_did_not_fit_is_kept(files, monkeypatch):
    networks = []

    def no_memory(member, views):
        networks.append(weakref.ref(member.network))
        try:
            raise torch.OutOfMemoryError("full")
        except torch.OutOfMemoryError as error:
            raise DeviceMemoryError("out of memory") from error

    monkeypatch.setattr(residency, "rehearse", no_memory)
    with pytest.raises(DeviceMemoryError, match="out of memory"):
        turns(files, None)
    gc.collect()
    assert [network() for network in networks] == [None]


def test_windows_are_rehearsed_as_many_at_once_as_they_run():
    member = tiny_member("w", CLASSES, (8, 8), window=WindowSpec(), at_once=5)
    shapes = []
    member.network.register_forward_pre_hook(lambda _, args: shapes.append(len(args[0])))
    residency.rehearse(member, parse_views(""))
    assert max(shapes) == 5


def test_the_turn_with_windows_comes_last():
    members = [
        tiny_member("w", CLASSES, (8, 8), seed=0, window=WindowSpec()),
        tiny_member("r", CLASSES, (16, 16), seed=1),
    ]
    image, weights = smooth_image((20, 30)), uniform_weights(members)
    in_turns = residency.Residency(((members[0],), (members[1],)), 0)
    together = Ensemble(members, weights).predict(image)
    for ours, theirs in zip(
        Ensemble(members, weights, residency=in_turns).predict(image), together, strict=True
    ):
        assert (ours == theirs).all()
