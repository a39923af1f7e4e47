import pytest

from ensemble.errors import ConfigError
from ensemble.files.whole_file import LONGEST_NAME_BYTES, whole_file
from ensemble.members.manifest import WindowSpec
from models_zoo.settings.example_file import EXAMPLE
from models_zoo.settings.zoo_file import ZooFileError, read_zoo

SMALL = "{weights: none, size: 64, encoder: resnet18}"


def _read(tmp_path, text):
    path = tmp_path / "zoo.yaml"
    path.write_text(text, encoding="utf-8")
    return read_zoo(path)


def _faults(tmp_path, text):
    with pytest.raises(ZooFileError) as caught:
        _read(tmp_path, text)
    return str(caught.value).splitlines()


def test_defaults_lie_under_every_member(tmp_path):
    zoo = _read(
        tmp_path,
        "defaults: {weights: none, size: [64, 96], encoder: resnet18, augment: {hflip: 0.25}}\n"
        "members:\n"
        "  - {arch: unet, augment: {vflip: 0.5}}\n"
        "  - {arch: fpn, augment: none, channels: 1}\n"
        "  - {arch: torchvision/lraspp_mobilenet_v3_large, name: lr, epochs: 3}\n",
    )

    unet, fpn, lraspp = zoo.members
    assert [member.full_name for member in zoo.members] == [
        "unet-resnet18-64x96",
        "fpn-resnet18-64x96",
        "lr",
    ]
    assert (unet.augment.hflip, unet.augment.vflip) == (0.25, 0.5)
    assert (fpn.augment.hflip, fpn.augment.affine, fpn.augment.clahe) == (0, 0, 0)
    assert (fpn.input.mean, unet.input.channels) == ((0.449,), 3)
    assert (lraspp.library, lraspp.arch) == ("torchvision", "lraspp_mobilenet_v3_large")
    assert (lraspp.encoder, lraspp.epochs) == (None, 3)
    assert zoo.folder == tmp_path


def test_a_window_is_that_of_the_defaults_with_the_keys_of_a_member(tmp_path):
    zoo = _read(
        tmp_path,
        f"defaults: {SMALL[:-1]}, window: {{overlap: 0.5}}}}\n"
        "members:\n"
        "  - {arch: unet}\n"
        "  - {arch: fpn, size: [64, 96], window: {weighting: flat, crops: 9}}\n"
        "  - {arch: fpn, window: none}\n",
    )

    unet, fpn, whole = zoo.members
    assert [member.full_name for member in zoo.members] == [
        "unet-resnet18-64w",
        "fpn-resnet18-64x96w",
        "fpn-resnet18-64",
    ]
    assert unet.input.window == WindowSpec(overlap=0.5)
    assert fpn.input.window == WindowSpec(overlap=0.5, weighting="flat")
    assert (unet.window.crops, fpn.window.crops) == (4, 9)
    assert whole.input.window is None


def test_all_faults_are_told_at_once_each_at_its_place(tmp_path):
    faults = _faults(
        tmp_path,
        "data: {train: train, spilt: {folds: 3}}\n"
        "defaults:\n"
        "  encoder: resnet18\n"
        "  weights: no\n"
        "members:\n"
        "  - arch: unet\n"
        "    size: 250\n"
        "  - arch: unett\n"
        "  - arch: fpn\n"
        "    epochs: 0\n"
        "    augment: {hflipp: 1}\n"
        "  - encoder: resnet18\n"
        "  - 7\n",
    )

    starts = [fault.split(": ")[:2] for fault in faults]
    assert starts == [
        ["zoo.yaml:1:22", "data.spilt"],
        ["zoo.yaml:4:3", "defaults.weights"],
        ["zoo.yaml:7:5", "members.0.size"],
        ["zoo.yaml:8:5", "members.1.arch"],
        ["zoo.yaml:10:5", "members.2.epochs"],
        ["zoo.yaml:11:15", "members.2.augment.hflipp"],
        ["zoo.yaml:12:5", "members.3.arch"],
        ["zoo.yaml:13:5", "members.4"],
    ]
    assert "did you mean split?" in faults[0]
    assert "YAML reads yes, no, on and off" in faults[1]
    assert "multiple of 32" in faults[2]
    assert "256 and 256 fit" in faults[2]
    assert "did you mean hflip?" in faults[5]


@pytest.mark.parametrize(
    ("member", "place", "words"),
    [
        ("arch: unetplusplus, encoder: mit_b0", "members.0.encoder", "of those tried, resnet34, "),
        ("arch: dpt, encoder: resnet18", "members.0.encoder", "of those tried, tu-convnext_tiny, "),
        ("arch: unet, encoder: resnet81", "members.0.encoder", "resnet18"),
        ("arch: deeplabv3plus, batch: 1", "members.0.batch", "more than 1 value"),
        ("arch: deeplabv3plus, batch: 2, devices: 2", "members.0.batch", "more than 1 value"),
        ("arch: unet, batch: 8, devices: 3", "members.0", "not for 3 devices to share"),
        ("arch: unet, encoder: tu-nothing", "members.0.encoder", "timm has no such model"),
        ("arch: pan", "members.0.size", "too small"),
        ("arch: fpn, options: {decoder_chanels: 3}", "members.0.options", "decoder_chanels"),
        ("arch: unet, options: {encoder_depth: 2}", "members.0.options", "decoder_channels"),
        ("arch: unet, options: {activation: sigmoid}", "members.0.options", "answer with logits"),
        ("arch: unet, options: {classes: 3}", "members.0.options", "option classes of unet"),
        ("arch: unet, options: {decoder_interpolation: x}", "members.0.size", "does not take"),
        ("arch: unet, options: {decoder_channels: 3}", "members.0.options", "cannot build unet"),
        ("arch: fpn, options: {upsampling: 2}", "members.0.options", "got (8, 7, 32, 32)"),
        (
            "arch: unet, encoder: tu-resnet18, options: {checkpoint_path: x}",
            "members.0.options",
            "from its member file alone",
        ),
        ("arch: unet, encoder: 'tu-local-dir:/'", "members.0.encoder", "name of a timm model"),
        ("arch: unet, encoder: tu-vit_tiny_patch16_224", "members.0.encoder", "pattern"),
        (
            "arch: torchvision/fcn_resnet50, options: {weights_backbone: DEFAULT}",
            "members.0.options",
            "weights_backbone",
        ),
        (
            "arch: torchvision/fcn_resnet50, options: {unused: 1}",
            "members.0.options",
            "no option unused",
        ),
        ("arch: unet, encoder: tu-swin_tiny_patch4_window7_224", "members.0.size", "224"),
        ("arch: pan, window: {}", "members.0.size", "too small"),
        ("arch: unet, window: yes", "members.0.window", "is true"),
        ("arch: unet, window: {overlap: no}", "members.0.window.overlap", "is false"),
        ("arch: unet, window: {overlap: 0.95}", "members.0.window.overlap", "must be at most 0.9"),
        ("arch: unet, window: {crops: 0}", "members.0.window.crops", "must be at least"),
        ("arch: unet, window: {overlaps: 0}", "members.0.window.overlaps", "mean overlap?"),
        ("arch: torchvision/unet", "members.0.arch", "unknown architecture"),
        (
            "arch: torchvision/fcn, encoder: resnet18, checkpointing: encoder",
            "members.0.checkpointing",
            "no blocks in a row",
        ),
        ("arch: torchvision/fcn, encoder: mit_b0", "members.0.encoder", "resnet18"),
        (
            "arch: torchvision/fcn, encoder: resnet18, options: {aux: 1}",
            "members.0.options",
            "of aux_loss",
        ),
        ("arch: torchvision/fcn_resnet50, channels: 1", "members.0.channels", "3 channels"),
        ("arch: torchvision/fcn_resnet50, encoder: resnet18", "members.0.encoder", "its name"),
        ("arch: unet, name: a/b", "members.0.name", "file name"),
        ("arch: unet, mean: [0.5, 0.5]", "members.0.mean", "3 values"),
        ("arch: unet, epochs: yes", "members.0.epochs", "is true"),
        ("arch: unet, compile: inductor", "members.0.compile", "got 'inductor'"),
        (
            "arch: unet, compile: yes, checkpointing: encoder",
            "members.0.compile",
            "what checkpointing computes again",
        ),
        ("arch: unet, lr: fast", "members.0.lr", "got 'fast'"),
        (
            "arch: unet, augment: {gamma_limit: [0.001, 2]}",
            "members.0.augment.gamma_limit.0",
            "must be at least 0.01",
        ),
        (
            "arch: unet, augment: {gamma_limit: [2, 1]}",
            "members.0.augment.gamma_limit",
            "lower limit comes first",
        ),
        ("arch: unet, warmup_epochs: .inf", "members.0.warmup_epochs", "finite"),
        ("arch: unet, std: .nan", "members.0.std", "got nan"),
        ("arch: unet, augment: {gamma_limit: [0.5]}", "members.0.augment.gamma_limit.1", ""),
    ],
)
def test_what_cannot_be_trained_is_found_in_the_file(tmp_path, member, place, words):
    merged = "" if "torchvision" in member or "encoder:" in member else "encoder: resnet18, "
    faults = _faults(tmp_path, f"members:\n  - {{weights: none, size: 64, {merged}{member}}}\n")

    assert len(faults) == 1
    assert f" {place}: " in faults[0]
    assert words in faults[0]


def test_names_must_differ(tmp_path):
    faults = _faults(
        tmp_path, f"defaults: {SMALL}\nmembers:\n  - arch: unet\n  - arch: unet\n    lr: 1e-3\n"
    )

    assert len(faults) == 1
    assert faults[0].startswith("zoo.yaml:4:5: members.1.name: is unet-resnet18-64, like that of")


def test_members_that_would_be_the_same_network_are_pointed_out(tmp_path):
    faults = _faults(
        tmp_path,
        f"defaults: {SMALL}\nmembers:\n  - arch: unet\n  - {{arch: unet, name: b, epochs: 60}}\n"
        "  - {arch: unet, name: c, seed: 1}\n",
    )

    (fault,) = faults
    assert fault.startswith("zoo.yaml:4:5: members.1: b would become the same network as unet-")


@pytest.mark.parametrize("text", ["", "members: []", "- arch: unet", "defaults: {}", "members: 3"])
def test_a_file_without_members_is_refused(tmp_path, text):
    assert len(_faults(tmp_path, text)) == 1


def test_yaml_numbers_that_yaml_reads_as_text_are_numbers(tmp_path):
    zoo = _read(tmp_path, f"defaults: {SMALL}\nmembers:\n  - {{arch: unet, lr: 1e-3}}\n")

    assert zoo.members[0].lr == 0.001


def test_a_missing_file_says_how_to_begin(tmp_path):
    with pytest.raises(ConfigError, match="ens train-zoo --example"):
        read_zoo(tmp_path / "zoo.yaml")


def test_the_example_is_free_of_faults(tmp_path):
    zoo = _read(tmp_path, EXAMPLE)

    assert len({member.arch for member in zoo.members}) == 4


@pytest.mark.parametrize(
    ("key", "home"),
    [
        ("data: {augment: light}", "a member or defaults"),
        ("data: {folds: 3}", "data.split"),
        ("defaults: {members: []}", "the file itself"),
        ("defaults: {groups: x}", "data"),
        ("defaults: {rotate_deg: 3}", "augment"),
        ("epochs: 3", "a member or defaults"),
        ("defaults: {augment: {size: 64}}", "a member or defaults"),
        ("defaults: {crops: 4}", "window"),
        ("data: {seed: 1}", "data.split or a member or defaults"),
    ],
)
def test_a_key_in_the_wrong_section_is_told_where_it_belongs(tmp_path, key, home):
    (fault,) = _faults(tmp_path, f"{key}\nmembers:\n  - {{arch: fpn, encoder: resnet18}}\n")
    assert fault.endswith(f"unknown key, it belongs in {home}")


@pytest.mark.parametrize(
    ("data", "member", "added"),
    [
        ("{}", "", ".pt"),
        ("{split: {folds: 12, fold: all}}", "", "-f11.pt"),
        ("{split: {folds: 12}}", ", sweep: {seed: [1]}", "-seed1.pt"),
    ],
)
def test_a_name_must_fit_a_file_with_all_that_is_added_to_it(tmp_path, data, member, added):
    text = (
        f"data: {data}\ndefaults: {SMALL}\nmembers:\n  - {{arch: unet, name: NAME" + member + "}\n"
    )
    longest = "a" * (LONGEST_NAME_BYTES - len(added))
    (spec,) = _read(tmp_path, text.replace("NAME", longest)).members
    last = spec.of_fold(11) if "-f11" in added else spec
    with whole_file(tmp_path / f"{last.full_name}.pt") as part:  # which a file system takes
        part.touch()
    (fault,) = _faults(tmp_path, text.replace("NAME", longest + "a"))
    assert fault.startswith("zoo.yaml:4:18: members.0.name: its name becomes that of a file")
    assert "give it a shorter name" in fault


def test_a_name_of_sweeps_that_is_too_long_is_told_at_its_member(tmp_path):
    loss = " + ".join(["bce"] * 90)
    text = f"defaults: {SMALL}\nmembers:\n  - {{arch: unet, sweep: {{loss: ['{loss}']}}}}\n"
    (fault,) = _faults(tmp_path, text)
    assert fault.startswith("zoo.yaml:3:5: members.0.name: ")
