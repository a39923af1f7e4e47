"""Whole adoptions, by the command: what other programs leave, and what can be wrong with it."""

import json

import pytest
import segmentation_models_pytorch as smp
import torch
from click.testing import CliRunner
from safetensors.torch import save_file
from torch.testing import assert_close
from torchvision.models import segmentation

from ensemble.cli.main import main
from ensemble.members.member import load_member
from ensemble.members.networks import logits_of
from mmseg_segformer import MmsegSegFormer, randomise

CPU = torch.device("cpu")
BATCH = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
UNET = ["--arch", "unet", "--encoder", "resnet18", "--size", "64"]


def unet():
    network = smp.create_model("unet", encoder_name="resnet18", encoder_weights=None, classes=3)
    return randomise(network)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "classes.yaml").write_text("names: [a, b, c]\nexclusive: false\n")
    return tmp_path


def adopt(folder, source, *words):
    arguments = ["adopt", str(folder / source), "--classes", str(folder / "classes.yaml")]
    return CliRunner().invoke(main, [*arguments, "--out", str(folder / "members"), *words])


def answers_as(folder, name, theirs):
    """In double precision, in which random weights of many layers leave no doubt."""
    member = load_member(folder / "members" / f"{name}.pt", CPU)
    with torch.no_grad():
        expected, found = (
            logits_of(network.double()(BATCH.double())) for network in (theirs, member.network)
        )
    assert_close(found, expected, atol=1e-8, rtol=1e-6)
    return member


def test_a_lightning_checkpoint(folder):
    theirs = unet()
    weights = {f"model.{key}": tensor for key, tensor in theirs.state_dict().items()}
    content = {"state_dict": weights | {"loss.weight": torch.ones(3)}, "epoch": 4, "callbacks": {}}
    torch.save(content, folder / "best-epoch=4.ckpt")

    result = adopt(folder, "best-epoch=4.ckpt", *UNET)

    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines() == [
        "weights lie under 'model.'",
        "left aside, beside the network: loss",
        "normalised with ImageNet's mean and deviation",
    ]
    member = answers_as(folder, "best-epoch_4", theirs)
    assert member.manifest.training["adopted_from"] == "best-epoch=4.ckpt"
    assert len(member.manifest.training["adopted_sha256"]) == 64


def test_safetensors_in_half_precision_with_an_input_that_is_said(folder):
    theirs = unet().half()
    save_file(theirs.state_dict(), folder / "w.safetensors")
    words = ["--mean", "0.5,0.4,0.3", "--std", "0.2,0.2,0.2", "--window", "0.5", "--name", "near"]

    result = adopt(folder, "w.safetensors", *UNET, *words)

    assert result.exit_code == 0, result.output
    assert result.stderr == "float16 became float32\n"
    spec = answers_as(folder, "near", theirs.float()).manifest.input
    assert (spec.mean, spec.window.overlap) == ((0.5, 0.4, 0.3), 0.5)


def test_a_folder_of_smp(folder):
    theirs = randomise(
        smp.create_model(
            "unetplusplus",
            encoder_name="resnet18",
            encoder_weights=None,
            classes=3,
            decoder_channels=[32, 16, 16, 8, 8],
            activation="sigmoid",
        )
    )
    theirs.save_pretrained(folder / "saved")

    result = adopt(folder, "saved", "--size", "64")

    assert result.exit_code == 0, result.output
    assert "its activation (sigmoid) is left to the class list" in result.stderr
    theirs.segmentation_head[2] = torch.nn.Identity()
    answers_as(folder, "saved", theirs)


def test_torchvision_without_its_auxiliary_head(folder):
    theirs = randomise(
        segmentation.fcn_resnet50(weights=None, weights_backbone=None, num_classes=3, aux_loss=True)
    )
    torch.save(theirs.state_dict(), folder / "fcn.pth")

    result = adopt(folder, "fcn.pth", "--arch", "torchvision/fcn_resnet50", "--size", "64")

    assert result.exit_code == 0, result.output
    assert "only training needs it: aux_classifier" in result.stderr
    answers_as(folder, "fcn", theirs)


def test_mmsegmentations_segformer(folder):
    theirs = randomise(MmsegSegFormer(num_classes=3))
    torch.save({"meta": {"epoch": 1}, "state_dict": theirs.state_dict()}, folder / "mm.pth")

    result = adopt(folder, "mm.pth", "--size", "64")

    assert result.exit_code == 0, result.output
    assert "mmsegmentation's SegFormer, mit_b0" in result.stderr
    answers_as(folder, "mm", theirs)


def test_a_member_that_is_there_is_kept(folder):
    torch.save(unet().state_dict(), folder / "w.pth")
    assert adopt(folder, "w.pth", *UNET).exit_code == 0
    before = (folder / "members" / "w.pt").read_bytes()
    result = adopt(folder, "w.pth", *UNET)
    assert (result.exit_code, "w.pt: is there already" in result.stderr) == (1, True)
    assert (folder / "members" / "w.pt").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 1, "w.pth: does not say which network its weights are of (say --arch)"),
        (["--arch", "unet", "--encoder", "resnet18"], 1, "for which size it was trained (say --si"),
        (["--arch", "unett", "--size", "64"], 1, "arch: unknown architecture 'unett'"),
        (["--arch", "unet", "--encoder", "resnet34", "--size", "64"], 1, "holds another network"),
        ([*UNET[:5], "65"], 1, "size: must be a multiple of 32"),
        ([*UNET, "--channels", "1"], 1, "other shapes in 1 weight: got encoder.conv1.weight"),
        ([*UNET, "--options", "{}x"], 2, "--options"),
        ([*UNET, "--options", "[1]"], 2, "is no mapping"),
        ([*UNET, "--options", '{"classes": 4}'], 1, "option classes of unet cannot be set"),
        ([*UNET, "--mean", "a,b,c"], 2, "are no numbers"),
        ([*UNET, "--mean", "0.5"], 1, "must have 3 values, one a channel"),
        ([*UNET[:5], "6x4x2"], 2, "is neither N nor HxW"),
        ([*UNET, "--part", "ema"], 1, "no weights in 'ema'"),
        ([*UNET, "--prefix", "net."], 1, "lacks"),
        ([*UNET, "--window", "0.99"], 1, "window.overlap"),
    ],
)
def test_what_is_wrong_is_one_line_and_no_member_is_left(folder, words, code, said):
    torch.save(unet().state_dict(), folder / "w.pth")
    result = adopt(folder, "w.pth", *words)
    assert result.exit_code == code, result.output
    assert said in result.stderr
    assert not list(folder.rglob("members/*"))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "has no config.json"),
        ({"config.json": "{}"}, "has no weights"),
        ({"config.json": "[]"}, "is no mapping"),
        ({"config.json": "{"}, "cannot be read"),
    ],
)
def test_folders_that_nothing_can_be_made_of(folder, files, said):
    (folder / "saved").mkdir()
    for name, text in files.items():
        (folder / "saved" / name).write_text(text)
    result = adopt(folder, "saved", "--size", "64")
    assert (result.exit_code, said in result.stderr) == (1, True)


def test_a_folder_of_another_program_is_named(folder):
    (folder / "saved").mkdir()
    (folder / "saved" / "config.json").write_text(json.dumps({"model_type": "bert"}))
    save_file({"a": torch.ones(1)}, folder / "saved" / "model.safetensors")
    result = adopt(folder, "saved", "--size", "64")
    assert result.exit_code == 1
    assert "folders are not known: expected segmentation-models-pytorch" in result.stderr
    assert "got bert" in result.stderr


def test_another_number_of_classes_is_said(folder):
    torch.save(unet().state_dict(), folder / "w.pth")
    (folder / "classes.yaml").write_text("names: [a, b]\nexclusive: false\n")
    result = adopt(folder, "w.pth", *UNET)
    assert "another number of classes: expected 2, as the class list has, got 3" in result.stderr


def test_every_weight_that_does_not_fit_is_named(folder):
    theirs = smp.create_model(
        "unet",
        encoder_name="resnet18",
        encoder_weights=None,
        classes=3,
        decoder_attention_type="scse",
    ).state_dict()
    torch.save(theirs, folder / "scse.pth")

    result = adopt(folder, "scse.pth", *UNET)

    *named, error = result.stderr.splitlines()
    extra = theirs.keys() - unet().state_dict().keys()
    assert {line.removeprefix("has left over ") for line in named} == extra
    assert f"scse.pth: has left over {len(extra)} weights: got decoder." in error
    assert "--options that differ from the defaults)" in error


def test_weights_that_are_not_finite_are_named_with_their_file(folder):
    broken = unet().state_dict() | {"segmentation_head.0.bias": torch.full((3,), torch.nan)}
    torch.save(broken, folder / "nan.pth")
    result = adopt(folder, "nan.pth", *UNET)
    assert result.stderr.endswith(
        "nan.pth: 1 weight is not finite: got segmentation_head.0.bias "
        "(adopt a checkpoint of an earlier epoch)\n"
    )
    assert not list(folder.rglob("members/*"))


def test_an_answer_that_is_not_finite_is_told_with_its_file(folder):
    theirs = unet()
    theirs.segmentation_head[0].weight.data.fill_(3e38)
    torch.save(theirs.state_dict(), folder / "huge.pth")
    result = adopt(folder, "huge.pth", *UNET)
    assert "huge.pth: cannot be a member: the network's output is not finite" in result.stderr
    assert "(name --arch, --encoder, --options" in result.stderr
    assert not list(folder.rglob("members/*"))


def test_double_precision_makes_a_member_of_the_usual_size(folder):
    torch.save(unet().double().state_dict(), folder / "double.pth")
    result = adopt(folder, "double.pth", *UNET)
    assert "float64 became float32" in result.stderr
    stored = torch.load(folder / "members" / "double.pt", weights_only=True)["state_dict"]
    assert {t.dtype for t in stored.values() if t.is_floating_point()} == {torch.float32}
