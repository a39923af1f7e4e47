import json

import pytest
from pydantic import ValidationError

from ensemble.classes import ClassList
from ensemble.members.manifest import WindowSpec, read_manifest
from models_zoo.settings.augment_spec import AugmentSpec
from models_zoo.settings.member_spec import MemberSpec

CLASSES = ClassList(("left", "right"), mirror_pairs=(("left", "right"),))
EXCLUSIVE = ClassList(("background", "a"), exclusive=True)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "unet-resnet34-512"),
        ({"size": (256, 192), "encoder": "resnet18"}, "unet-resnet18-256x192"),
        ({"size": 64, "window": {}}, "unet-resnet34-64w"),
        ({"size": (64, 96), "window": {}}, "unet-resnet34-64x96w"),
        ({"arch": "torchvision/fcn_resnet50"}, "fcn_resnet50-512"),
        ({"encoder": "tu-a/b c.d"}, "unet-tu-a_b_c.d-512"),
        ({"name": "mine"}, "mine"),
    ],
)
def test_a_member_is_named_after_what_tells_it_from_others(settings, name):
    assert MemberSpec(**{"arch": "unet"} | settings).full_name == name


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a b", "-x", "ü"])
def test_a_name_that_is_no_plain_file_name_is_refused(name):
    with pytest.raises(ValidationError, match="file name"):
        MemberSpec(arch="unet", name=name)


@pytest.mark.parametrize(
    "settings",
    [
        {"arch": "unet"},
        {"arch": "torchvision/fcn_resnet50", "size": (64, 96), "augment": "none"},
        {"arch": "fpn", "channels": 1, "mean": 0.5, "std": 0.25, "window": {"crops": 2}},
    ],
)
def test_settings_written_as_plain_types_are_the_same_when_read(settings):
    spec = MemberSpec(**settings)
    assert MemberSpec(**json.loads(json.dumps(spec.model_dump(mode="json")))) == spec


@pytest.mark.parametrize(
    ("channels", "mean"), [(1, (0.449,)), (3, (0.485, 0.456, 0.406))], ids=["grey", "colour"]
)
def test_inputs_are_normalised_as_pretrained_encoders_expect_unless_told_otherwise(channels, mean):
    assert MemberSpec(arch="unet", channels=channels).input.mean == mean
    own = (0.25,) * channels
    spec = MemberSpec(arch="unet", channels=channels, mean=own)
    assert (spec.input.mean, len(spec.input.std)) == (own, channels)


@pytest.mark.parametrize("key", ["mean", "std"])
def test_a_mean_or_deviation_short_of_a_channel_is_refused(key):
    with pytest.raises(ValidationError, match="3 values, one a channel"):
        MemberSpec(**{"arch": "unet", key: (0.5,)})


@pytest.mark.parametrize(("classes", "activation"), [(CLASSES, "sigmoid"), (EXCLUSIVE, "softmax")])
def test_the_manifest_of_a_spec_is_one_that_can_be_read(classes, activation):
    spec = MemberSpec(arch="unet", size=(64, 96), window={"overlap": 0.5, "crops": 9})
    manifest = spec.manifest(classes, stride=16, training={"epochs": 3})
    assert read_manifest(manifest.model_dump(mode="json")) == manifest
    assert (manifest.name, manifest.stride) == ("unet-resnet34-64x96w", 16)
    assert (manifest.class_list, manifest.activation) == (classes, activation)
    assert (manifest.input.size, manifest.input.window) == ((64, 96), WindowSpec(overlap=0.5))
    assert manifest.training == {"epochs": 3}


@pytest.mark.parametrize(
    ("settings", "library", "arch", "encoder"),
    [
        ({"arch": "unet"}, "smp", "unet", "resnet34"),
        ({"arch": "unet", "encoder": "mit_b0"}, "smp", "unet", "mit_b0"),
        ({"arch": "torchvision/fcn_resnet50"}, "torchvision", "fcn_resnet50", None),
    ],
)
def test_the_library_stands_in_the_name_of_the_architecture(settings, library, arch, encoder):
    network = MemberSpec(**settings).network
    assert (network.library, network.arch, network.encoder) == (library, arch, encoder)


def test_weights_from_nowhere_are_no_weights():
    assert MemberSpec(arch="unet", weights="none").encoder_weights is None
    assert MemberSpec(arch="unet").encoder_weights == "imagenet"


def test_no_augmentation_leaves_no_chance_of_any():
    chances = AugmentSpec.model_validate("none").model_dump(
        exclude={
            *("rotate_deg", "scale", "shift", "elastic_shift"),
            *("brightness", "contrast", "gamma_limit"),
        }
    )
    assert set(chances) > {"hflip", "affine", "sharpen"}
    assert set(chances.values()) == {0.0}


@pytest.mark.parametrize("key", ["weights", "epochs", "lr", "size", "std", "name", "augment"])
@pytest.mark.parametrize("value", [False, True])
def test_yes_and_no_are_not_taken_for_numbers_or_words(key, value):
    with pytest.raises(ValidationError, match="YAML reads yes, no, on and off"):
        MemberSpec(**{"arch": "unet", "channels": 1, key: value})
