import pytest
from pydantic import ValidationError

from models_zoo.settings.augment_spec import PRESETS, AugmentSpec
from models_zoo.settings.zoo_file import read_zoo


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_its_name_or_a_key(name):
    spec = AugmentSpec.model_validate(name)
    assert spec == AugmentSpec.model_validate({"preset": name})
    assert {key: getattr(spec, key) for key in PRESETS[name]} == dict(PRESETS[name])


def test_keys_beside_a_preset_change_it():
    spec = AugmentSpec.model_validate({"preset": "strong", "hflip": 0, "ricap": 0.5})
    assert (spec.hflip, spec.ricap, spec.rotate_deg) == (0, 0.5, 30)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("heavy", "has no preset 'heavy': none, light, xray, strong"),
        ({"preset": "heavy"}, "has no preset"),
        ({"preset": ["xray"]}, "has no preset"),
        ({"preset": "light", "hflipp": 1}, "hflipp"),
        ({"elastic_shift": 0}, "elastic_shift"),
    ],
)
def test_what_is_wrong_is_said(value, words):
    with pytest.raises(ValidationError, match=words):
        AugmentSpec.model_validate(value)


def test_a_member_changes_the_preset_of_the_defaults(tmp_path):
    path = tmp_path / "zoo.yaml"
    path.write_text(
        "defaults: {weights: none, size: 64, encoder: resnet18, augment: xray}\n"
        "members:\n  - {arch: unet, augment: {hflip: 0}}\n  - {arch: fpn, augment: light}\n"
        "  - {arch: linknet, augment: {preset: none, vflip: 1}}\n"
    )
    changed, light, off = (member.augment for member in read_zoo(path).members)
    assert (changed.hflip, changed.rotate_deg) == (0, 20)
    assert light == AugmentSpec.model_validate("light")
    assert (off.vflip, off.hflip) == (1, 0)


def test_a_preset_of_its_own_means_the_same_by_name_and_by_key(tmp_path):
    path = tmp_path / "zoo.yaml"
    path.write_text(
        "defaults: {weights: none, size: 64, augment: {rotate_deg: 3, blur: 1}}\n"
        "members:\n  - {arch: unet, augment: xray}\n  - {arch: fpn, augment: {preset: xray}}\n"
        "  - {arch: linknet, augment: {preset: xray, hflip: 0}}\n"
    )
    by_name, by_key, changed = (member.augment for member in read_zoo(path).members)
    assert by_name == by_key == AugmentSpec.model_validate("xray")
    assert (changed.rotate_deg, changed.blur, changed.hflip) == (20, 0.1, 0)
