"""Which options of a network a zoo or a member file may set, and which are not theirs to set."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Mapping

import segmentation_models_pytorch as smp
import timm

from ensemble.errors import ConfigError, few
from ensemble.members import segformer
from ensemble.members.manifest import Library, NetworkSpec

TIMM_PREFIX = "tu-"

_SET_BY_MANIFEST = "the manifest says it"
_NO_OTHER_FILE = "a network gets its weights from its member file alone"
_LOGITS_WANTED = "the network must answer with logits, to which the activation is applied later"
_RESERVED: Mapping[Library, Mapping[str, str]] = {
    "smp": {
        "activation": _LOGITS_WANTED,
        "aux_params": "the network must answer with masks alone",
        **dict.fromkeys(
            ("arch", "encoder_name", "name", "in_channels", "in_chans", "classes", "num_classes"),
            _SET_BY_MANIFEST,
        ),
        **dict.fromkeys(
            (
                *("encoder_weights", "weights", "pretrained", "pretrained_cfg"),
                *("pretrained_cfg_overlay", "pretrained_strict", "checkpoint_path", "cache_dir"),
            ),
            _NO_OTHER_FILE,
        ),
    },
    "ens": dict.fromkeys(("in_channels", "num_classes", "encoder"), _SET_BY_MANIFEST),
    "torchvision": {
        **dict.fromkeys(("name", "num_classes"), _SET_BY_MANIFEST),
        **dict.fromkeys(
            ("weights", "weights_backbone", "pretrained", "pretrained_backbone", "progress"),
            _NO_OTHER_FILE,
        ),
    },
}
# Its builders take any keyword and use no other.
_TORCHVISION_OPTIONS = ("aux_loss",)
# timm takes a folder or a page of the net in place of a name: "local-dir:...", "hf-hub:...".
_TIMM_NAME = re.compile(r"[\w-]+(\.[\w-]+)*", re.ASCII)


def check_options(spec: NetworkSpec) -> None:
    """Raise ConfigError for an option that is reserved, or that the architecture does not have.

    Other options of a timm encoder ("tu-") are left to timm, which knows them.
    """
    for name, reason in _RESERVED[spec.library].items():
        if name in spec.options:
            raise ConfigError(f"the option {name} of {spec.arch} cannot be set: {reason}")
    if takes_timm_options(spec):
        return
    known = _known_options(spec)
    if unknown := sorted(set(spec.options) - set(known)):
        raise ConfigError(
            f"{spec.arch} has no option {', '.join(unknown)}", expected=f"of {', '.join(known)}"
        )


def check_timm_name(encoder: str) -> None:
    """Raise ConfigError for an encoder "tu-..." that is no model of timm, as a file or a page."""
    name = encoder.removeprefix(TIMM_PREFIX)
    if not _TIMM_NAME.fullmatch(name):
        raise ConfigError(
            "unknown encoder", expected=f"{TIMM_PREFIX} and the name of a timm model", got=encoder
        )
    if not timm.is_model(name):
        near = [TIMM_PREFIX + m for m in difflib.get_close_matches(name, timm.list_models(), n=3)]
        raise ConfigError(
            f"unknown encoder {encoder!r}: timm has no such model",
            expected=f"one such as {few(near)}" if near else None,
        )


def takes_timm_options(spec: NetworkSpec) -> bool:
    """Whether options that smp does not know go on to timm."""
    return spec.library == "smp" and (spec.encoder or "").startswith(TIMM_PREFIX)


def _known_options(spec: NetworkSpec) -> list[str]:
    if spec.library != "smp":
        return list(_TORCHVISION_OPTIONS if spec.library == "torchvision" else segformer.OPTIONS)
    parameters = inspect.signature(smp.MODEL_ARCHITECTURES_MAPPING[spec.arch]).parameters
    return [
        name
        for name, parameter in parameters.items()
        if name not in _RESERVED["smp"] and parameter.kind is not parameter.VAR_KEYWORD
    ]
