import pytest
import torch
from drawings import write_drawings

from ensemble.errors import ConfigError, MemberError
from ensemble.members.networks import build_network
from models_zoo.jobs.data_digest import DataDigest
from models_zoo.jobs.member_state import MemberState
from models_zoo.settings.member_spec import MemberSpec
from models_zoo.settings.zoo_file import ZooFileError, read_zoo
from models_zoo.train_zoo import train_zoo
from models_zoo.training.starting_weights import find_start, start_from

SPEC = MemberSpec(
    arch="unet",
    encoder="resnet18",
    weights="none",
    options={"decoder_channels": [16, 16, 8, 8, 8]},
)

NO_DATA = DataDigest([], [])


def network(seed, num_classes=3, spec=SPEC):
    torch.manual_seed(seed)
    return build_network(spec.network, in_channels=3, num_classes=num_classes)


def saved(path, state_dict):
    torch.save(state_dict, path)
    return path


def same(first, second, prefix=""):
    return [key for key in first if key.startswith(prefix) and torch.equal(first[key], second[key])]


def test_a_whole_network_is_taken_under_any_prefix(tmp_path):
    other = network(1).state_dict()
    path = saved(tmp_path / "a.ckpt", {"state_dict": {f"model.{k}": t for k, t in other.items()}})
    own = network(0)
    start_from(own, path)
    assert len(same(own.state_dict(), other)) == len(other)


def test_a_head_for_other_classes_begins_anew(tmp_path):
    other, own = network(1, num_classes=5).state_dict(), network(0)
    before = {key: tensor.clone() for key, tensor in own.state_dict().items()}
    start_from(own, saved(tmp_path / "a.pt", other))
    after = own.state_dict()
    assert len(same(after, before, "segmentation_head")) == 2
    taken = {key: t for key, t in after.items() if not key.startswith("segmentation_head")}
    assert len(same(taken, other)) == len(taken)


def test_all_heads_for_other_classes_begin_anew(tmp_path):
    spec = MemberSpec(
        arch="torchvision/deeplabv3_mobilenet_v3_large", options={"aux_loss": True}, weights="none"
    )
    other, own = network(1, 5, spec).state_dict(), network(0, 3, spec)
    start_from(own, saved(tmp_path / "a.pt", other))
    after = own.state_dict()
    anew = {key for key in after if after[key].shape != other[key].shape}
    assert {key.split(".")[0] for key in anew} == {"classifier", "aux_classifier"}
    assert len(same(after, other)) == len(after) - len(anew) == len(after) - 4


def test_a_first_layer_for_other_channels_does_not_begin_anew(tmp_path):
    path = saved(tmp_path / "rgb.pt", network(1).state_dict())
    torch.manual_seed(0)
    grey = build_network(SPEC.network, in_channels=1, num_classes=3)
    before = {key: tensor.clone() for key, tensor in grey.state_dict().items()}
    with pytest.raises(MemberError, match=r"other shapes: .*\(64, 1, 7, 7\).*\(64, 3, 7, 7\)"):
        start_from(grey, path)
    assert len(same(grey.state_dict(), before)) == len(before)


def test_an_encoder_alone_is_taken_and_its_classifier_left_aside(tmp_path):
    other = network(1).state_dict()
    encoder = {k.removeprefix("encoder."): t for k, t in other.items() if k.startswith("encoder.")}
    path = saved(tmp_path / "resnet18.pth", encoder | {"fc.weight": torch.ones(10, 512)})
    own = network(0)
    before = {key: tensor.clone() for key, tensor in own.state_dict().items()}
    start_from(own, path)
    after = own.state_dict()
    assert len(same(after, other, "encoder.")) == len(encoder)
    assert len(same(after, before, "decoder.")) == sum(k.startswith("decoder.") for k in before)


def test_what_does_not_fit_is_named_and_nothing_is_loaded(tmp_path):
    own = network(0)
    before = {key: tensor.clone() for key, tensor in own.state_dict().items()}
    wide = MemberSpec(arch="unet", encoder="resnet34", weights="none")
    path = saved(tmp_path / "wide.pt", network(1, spec=wide).state_dict())
    with pytest.raises(MemberError, match=r"wide.pt: has more layers than the network"):
        start_from(own, path)
    thick = MemberSpec(arch="unet", encoder="resnet18", weights="none")
    path = saved(tmp_path / "thick.pt", network(1, spec=thick).state_dict())
    other = network(0, spec=MemberSpec(arch="unet", encoder="resnet50", weights="none"))
    with pytest.raises(MemberError, match=r"thick.pt: holds another network.*name the arch"):
        start_from(other, path)
    lacking = dict(network(1).state_dict())
    del lacking["encoder.layer1.0.conv1.weight"]
    path = saved(tmp_path / "lacking.pt", lacking)
    with pytest.raises(MemberError, match=r"lacking.pt: .*encoder.layer1.0.conv1.weight"):
        start_from(own, path)
    assert len(same(own.state_dict(), before)) == len(before)


def test_of_a_training_state_the_average_is_taken(tmp_path):
    trained, average, own = network(1).state_dict(), network(2).state_dict(), network(0)
    state = {f"network.{key}": tensor for key, tensor in trained.items()}
    state |= {f"average.module.{key}": tensor for key, tensor in average.items()}
    state |= {f"soup.module.{key}": tensor for key, tensor in trained.items()}
    state |= {"average.n_averaged": torch.tensor(3)}
    path = saved(tmp_path / "last.ckpt", {"state_dict": state, "epoch": 3})
    assert find_start(own, path).notes == (
        "begins with the moving average of weights in last.ckpt",
    )
    start_from(own, path)
    assert len(same(own.state_dict(), average)) == len(average)


def test_an_encoder_alone_is_told_and_nothing_is_loaded(tmp_path):
    own, spec = network(0), SPEC.model_copy(update={"options": {"decoder_channels": [8] * 5}})
    before = {key: tensor.clone() for key, tensor in own.state_dict().items()}
    path = saved(tmp_path / "thin.pt", network(1, spec=spec).state_dict())
    (note,) = find_start(own, path).notes
    assert (
        note
        == "begins with the encoder of thin.pt alone: as a whole it has weights of other shapes"
    )
    assert len(same(own.state_dict(), before)) == len(before)


def test_remedies_are_those_that_a_zoo_file_has(tmp_path):
    weights = network(1).state_dict()
    twice = {f"{prefix}.{key}": t for prefix in ("a", "b") for key, t in weights.items()}
    for content, words in (
        ({"model": weights, "ema": weights}, "holds several sets of weights: got model, ema"),
        (twice, "holds the network's weights more than once: got under 'a.' and 'b.'"),
    ):
        path = saved(tmp_path / "two.pth", content)
        with pytest.raises((MemberError, ConfigError)) as caught:
            find_start(network(0), path)
        assert str(caught.value) == f"{path}: {words} (save the one you want as a file of its own)"


def test_a_zoo_file_names_a_file_beside_it(tmp_path):
    path = write_drawings(tmp_path) / "zoo.yaml"
    saved(tmp_path / "start.pt", network(1).state_dict())
    member = "{name: a, arch: unet, options: {decoder_channels: [16, 16, 8, 8, 8]}}"
    text = (
        "defaults: {weights: start.pt, size: 32, epochs: 1, batch: 2, encoder: resnet18,"
        f" lr: 1.0e-9, ema_decay: 0}}\nmembers: [{member}]\n"
    )
    path.write_text(text)
    training = train_zoo(path, device="cpu")
    assert not training.failed
    trained = torch.load(tmp_path / "members" / "a.pt", weights_only=True)["state_dict"]
    start = network(1).state_dict()
    key = "encoder.layer1.0.conv1.weight"
    torch.testing.assert_close(trained[key], start[key], atol=1e-6, rtol=0)
    (spec,) = read_zoo(path).members
    stamp = MemberState.of(tmp_path, spec, NO_DATA).job["weights"]
    assert stamp.startswith("start.pt, sha256 ")
    saved(tmp_path / "start.pt", network(2).state_dict())  # as many bytes
    assert MemberState.of(tmp_path, spec, NO_DATA).changes() == []
    assert MemberState.of(tmp_path / "members", spec, NO_DATA).changes() == ["data", "weights"]
    saved(tmp_path / "start.pt", network(1).state_dict())
    assert MemberState.of(tmp_path, spec, NO_DATA).job["weights"] == stamp
    path.write_text(text.replace("start.pt", "imagenett"))
    with pytest.raises(ZooFileError, match=r"weights: must be imagenet, none, or a file: there is"):
        read_zoo(path)


@pytest.mark.parametrize("change", ["cut off", "another option"])
def test_of_most_of_a_network_not_only_the_encoder_is_taken(tmp_path, change):
    """Half of an hour of training would be thrown away, and nobody would notice."""
    state = dict(network(1).state_dict())
    if change == "cut off":
        del state[next(key for key in state if key.startswith("decoder."))]
    else:
        state |= {"decoder.blocks.0.attention1.weight": torch.ones(2)}
    path = saved(tmp_path / "most.pt", state)
    own = network(0)
    before = {key: tensor.clone() for key, tensor in own.state_dict().items()}
    with pytest.raises(MemberError, match=r"most.pt: (holds another network|has more layers)"):
        start_from(own, path)
    assert len(same(own.state_dict(), before)) == len(before)
