import pytest

from models_zoo.settings.sweep import MOST_MEMBERS
from models_zoo.settings.zoo_file import ZooFileError, read_zoo


def _read(tmp_path, members, defaults=""):
    path = tmp_path / "zoo.yaml"
    path.write_text(
        f"defaults: {{weights: none, size: 64, encoder: resnet18{defaults}}}\n"
        f"members:\n{members}\n",
        encoding="utf-8",
    )
    return read_zoo(path)


def _faults(tmp_path, members, defaults=""):
    with pytest.raises(ZooFileError) as caught:
        _read(tmp_path, members, defaults)
    return str(caught.value).splitlines()


def test_a_sweep_makes_every_combination_with_a_readable_name(tmp_path):
    zoo = _read(
        tmp_path,
        "  - {arch: unet, sweep: {loss: [bce_dice, focal_dice], size: [64, [64, 96]]}}\n"
        "  - {arch: fpn, name: a, sweep: {lr: [0.001, 5e-4], augment: [none, {hflip: 0}]}}\n",
    )

    assert [(m.full_name, m.loss, m.size) for m in zoo.members[:4]] == [
        ("unet-resnet18-64-bce_dice", "bce_dice", (64, 64)),
        ("unet-resnet18-64x96-bce_dice", "bce_dice", (64, 96)),
        ("unet-resnet18-64-focal_dice", "focal_dice", (64, 64)),
        ("unet-resnet18-64x96-focal_dice", "focal_dice", (64, 96)),
    ]
    assert [(m.full_name, m.lr, m.augment.affine) for m in zoo.members[4:]] == [
        ("a-lr0.001-no_augment", 0.001, 0.0),
        ("a-lr0.001-augment2", 0.001, 0.8),
        ("a-lr5e-4-no_augment", 0.0005, 0.0),
        ("a-lr5e-4-augment2", 0.0005, 0.8),
    ]


def test_a_sweep_of_the_defaults_is_of_every_member_that_does_not_set_the_key(tmp_path):
    zoo = _read(
        tmp_path,
        "  - {arch: unet}\n"
        "  - {arch: fpn, seed: 7}\n"
        "  - {arch: fpn, name: b, sweep: {seed: [3, 4, 5], encoder: [resnet18]}}\n",
        defaults=", sweep: {seed: [1, 2]}",
    )

    assert [(m.full_name, m.seed) for m in zoo.members] == [
        ("unet-resnet18-64-seed1", 1),
        ("unet-resnet18-64-seed2", 2),
        ("fpn-resnet18-64", 7),
        ("b-seed3-resnet18", 3),
        ("b-seed4-resnet18", 4),
        ("b-seed5-resnet18", 5),
    ]


def test_encoders_of_the_defaults_pass_torchvision_by(tmp_path):
    path = tmp_path / "zoo.yaml"
    path.write_text(
        "defaults: {weights: none, size: 64, sweep: {encoder: [resnet18, resnet34]}}\n"
        "members:\n  - {arch: unet}\n  - {arch: torchvision/lraspp_mobilenet_v3_large}\n"
    )

    names = [member.full_name for member in read_zoo(path).members]
    assert names == ["unet-resnet18-64", "unet-resnet34-64", "lraspp_mobilenet_v3_large-64"]


@pytest.mark.parametrize(
    ("sweep", "place", "words"),
    [
        ("[loss]", "members.0.sweep", "must be a mapping of keys to lists"),
        ("{loss: dice}", "members.0.sweep.loss", "must be a list of values, got 'dice'"),
        ("{loss: []}", "members.0.sweep.loss", "must be a list of values"),
        ("{name: [a, b]}", "members.0.sweep.name", "cannot be swept"),
        ("{arch: [unet, fpn]}", "members.0.sweep.arch", "set beside the sweep too"),
        ("{loss: [dice, dise]}", "members.0.sweep.loss.1", "has no loss 'dise'"),
        ("{encoder: [resnet18, resnet81]}", "members.0.sweep.encoder.1", "unknown encoder"),
        ("{sise: [64, 96]}", "members.0.sweep.sise", "unknown key, did you mean size?"),
        ("{augment: [none, {hflip: 2}]}", "members.0.sweep.augment.1.hflip", "at most 1"),
        ("{seed: [1, 1]}", "members.0.name", "like that of member 0"),
        (
            f"{{seed: [{', '.join(map(str, range(MOST_MEMBERS)))}], lr: [1, 2]}}",
            "members.0.sweep",
            f"makes {2 * MOST_MEMBERS} members",
        ),
    ],
)
def test_what_is_wrong_with_a_sweep_is_told_at_its_place(tmp_path, sweep, place, words):
    faults = _faults(tmp_path, f"  - {{arch: unet, sweep: {sweep}}}")

    assert all(f" {place}" in fault for fault in faults)
    assert words in faults[0]


def test_a_fault_in_the_sweep_of_the_defaults_is_told_once(tmp_path):
    faults = _faults(
        tmp_path, "  - {arch: unet}\n  - {arch: fpn}", defaults=", sweep: {lr: [1, slow]}"
    )

    assert faults == ["zoo.yaml:1:72: defaults.sweep.lr.1: must be a number, got 'slow'"]
