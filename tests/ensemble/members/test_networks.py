"""What a network may be built from, and how refusals of the libraries become stated errors."""

import logging
import sys
import warnings

import pytest
import segmentation_models_pytorch as smp
import torch

from ensemble.errors import ConfigError
from ensemble.members.manifest import NetworkSpec
from ensemble.members.networks import build_network, smp_archs


def _build(arch, encoder="resnet18", **options):
    library = "smp" if arch in smp_archs() else "torchvision"
    spec = NetworkSpec(
        library=library,
        arch=arch,
        encoder=encoder if library == "smp" else None,
        options=options,
    )
    return build_network(spec, in_channels=3, num_classes=2)


@pytest.mark.parametrize("arch", smp_archs())
@pytest.mark.parametrize(
    "option", ["activation", "aux_params", "classes", "encoder_name", "encoder_weights"]
)
def test_what_the_engine_decides_is_no_option(arch, option):
    encoder = "tu-resnet18" if arch == "dpt" else "resnet18"
    with pytest.raises(ConfigError, match=f"the option {option} of {arch} cannot be set: "):
        _build(arch, encoder, **{option: None})


@pytest.mark.parametrize(
    "option", ["weights", "weights_backbone", "pretrained", "num_classes", "progress"]
)
def test_torchvision_fetches_nothing_for_an_option(option):
    with pytest.raises(ConfigError, match=f"the option {option} of fcn_resnet50 cannot be set: "):
        _build("fcn_resnet50", **{option: "DEFAULT"})


@pytest.mark.parametrize("option", ["pretrained", "checkpoint_path", "pretrained_cfg", "cache_dir"])
def test_timm_reads_no_other_file_for_an_option(option, tmp_path):
    with pytest.raises(ConfigError, match="from its member file alone"):
        _build("unet", "tu-resnet18", **{option: str(tmp_path)})


@pytest.mark.parametrize(
    "encoder", ["tu-local-dir:/tmp", "tu-hf-hub:a/b", "tu-hf_hub:a/b", "tu-a/b", "tu-", "tu-..a"]
)
def test_timm_takes_no_folder_and_no_page_in_place_of_a_name(encoder):
    with pytest.raises(ConfigError, match="name of a timm model"):
        _build("unet", encoder)


def test_a_name_that_timm_does_not_know_brings_up_those_like_it():
    with pytest.raises(ConfigError, match=r"unknown encoder 'tu-resnet81': .* tu-resnet18"):
        _build("unet", "tu-resnet81")
    with pytest.raises(ConfigError, match=r"'tu-xyzzy': timm has no such model$"):
        _build("unet", "tu-xyzzy")


def test_options_that_only_timm_knows_reach_it():
    network = _build("unet", "tu-swin_tiny_patch4_window7_224", img_size=64)
    with torch.no_grad():
        logits = network.to("meta")(torch.empty(1, 3, 64, 64, device="meta"))
    assert logits.shape == (1, 2, 64, 64)


@pytest.mark.parametrize(
    ("encoder", "options"),
    [
        ("resnet18", {"decoder_channels": "abc"}),
        ("resnet18", {"decoder_channels": [-1] * 5}),
        ("resnet18", {"encoder_depth": "x"}),
        ("tu-resnet18", {"output_stride": 0}),
        ("tu-resnet18", {"unknown": 1}),
        ("tu-vit_tiny_patch16_224", {}),
    ],
)
def test_what_a_library_refuses_is_one_line(encoder, options):
    with pytest.raises(
        ConfigError, match=f"smp cannot build unet with encoder {encoder}: "
    ) as caught:
        _build("unet", encoder, **options)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "error", [AssertionError, RuntimeError, AttributeError, IndexError, ZeroDivisionError]
)
def test_whatever_a_library_raises_while_building_is_stated(monkeypatch, error):
    def refuse(*_, **__):
        raise error("odd")

    monkeypatch.setattr(smp, "create_model", refuse)
    with pytest.raises(ConfigError, match="cannot build unet with encoder resnet18: odd"):
        _build("unet")


class _HubAwayError(FileNotFoundError, ValueError):
    """As the hub's own errors, which are of both kinds."""


def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch, caplog, capsys):
    def create_model(*args, **options):
        logging.getLogger("huggingface_hub.utils").warning("Retrying in 1s")
        sys.stdout.write("Downloading: ...")
        warnings.warn("For 'tu-' (timm universal) encoders", UserWarning, stacklevel=1)
        raise _HubAwayError("no connection. Please check it and try again")

    monkeypatch.setattr(smp, "create_model", create_model)
    spec = NetworkSpec(library="smp", arch="unet", encoder="resnet18")
    with pytest.raises(ConfigError) as caught:
        build_network(spec, in_channels=3, num_classes=2, weights="imagenet")
    assert str(caught.value) == (
        "the imagenet weights of resnet18 cannot be fetched: no connection "
        "(run this once where there is a network, or set weights: none, or a file)"
    )
    assert caplog.records == []
    assert capsys.readouterr() == ("", "")
    logging.getLogger("huggingface_hub.utils").warning("after")
    assert [record.message for record in caplog.records] == ["after"]
