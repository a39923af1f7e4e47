"""What another program left, whichever it was: weights, and what it says of network and input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ensemble.errors import ConfigError, EnsError, MemberError, few
from models_zoo.adopt import segformer_names
from models_zoo.adopt.tensors import SAY_PART, Tensors, read_config, read_tensors

_CONFIG = "config.json"
_SMP_CLASS = "_model_class"
_WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
_PROCESSOR = "preprocessor_config.json"
# What `save_pretrained` of smp writes beside the options of the architecture.
_SMP_KEYS = ("encoder_name", "in_channels", "classes")
_SMP_LEFT_ASIDE = ("encoder_weights", "activation", "aux_params")


@dataclass(frozen=True, slots=True)
class Foreign:
    """Weights, and keys of a zoo file's member as far as the source states them.

    `num_classes`: the outputs of the network, where they are stated. `notes`: for people.
    """

    tensors: Tensors
    stated: Mapping[str, Any] = field(default_factory=dict)
    num_classes: int | None = None
    notes: tuple[str, ...] = ()


def read_source(path: Path, part: str | None = None, *, choose: str = SAY_PART) -> Foreign:
    """Read a checkpoint, or the folder of smp's or Hugging Face's `save_pretrained`.

    `part` and `choose`: see `read_tensors`.
    Raises MemberError or ConfigError, with the path, for what is none or cannot be used.
    """
    try:
        if path.is_dir():
            return _read_folder(path)
        tensors = read_tensors(path, part, choose=choose)
        renamed = _segformer(tensors)
        return Foreign(tensors) if renamed is None else renamed
    except EnsError as error:
        raise error if error.where is not None else error.at(path) from error


def _read_folder(path: Path) -> Foreign:
    config_file = path / _CONFIG
    if not config_file.is_file():
        raise MemberError("has no config.json", where=path, remedy="name its file of weights")
    config = read_config(config_file)
    files = [path / name for name in _WEIGHT_FILES if (path / name).is_file()]
    if not files:
        raise MemberError("has no weights", where=path, expected=" or ".join(_WEIGHT_FILES))
    tensors = read_tensors(files[0])
    if _SMP_CLASS in config:
        return _from_smp(config, tensors)
    renamed = _segformer(tensors)
    if renamed is None:
        raise ConfigError(
            "is of a program whose folders are not known",
            where=config_file,
            expected="segmentation-models-pytorch, or Hugging Face's SegFormer",
            got=str(config.get("model_type") or few(sorted(config))),
        )
    processor = path / _PROCESSOR
    stated = dict(renamed.stated)
    if processor.is_file():
        stated |= _input_of(read_config(processor))
    return Foreign(renamed.tensors, stated, renamed.num_classes, renamed.notes)


def _from_smp(config: Mapping[str, Any], tensors: Tensors) -> Foreign:
    """Of smp's own config: architecture, encoder, channels, and all other keys as options."""
    if missing := [key for key in _SMP_KEYS if key not in config]:
        raise MemberError("config.json lacks keys of smp", got=f"no {few(missing)}")
    known = {_SMP_CLASS, *_SMP_KEYS, *_SMP_LEFT_ASIDE}
    options = {key: value for key, value in config.items() if key not in known}
    stated = {
        "arch": str(config[_SMP_CLASS]).lower(),
        "encoder": config["encoder_name"],
        "channels": config["in_channels"],
        "options": options,
    }
    notes = []
    if config.get("activation"):
        notes.append(f"its activation ({config['activation']}) is left to the class list")
    return Foreign(tensors, stated, int(config["classes"]), tuple(notes))


def _segformer(tensors: Tensors) -> Foreign | None:
    """Hugging Face's or mmsegmentation's SegFormer by our names; None for other networks."""
    if segformer_names.is_hugging_face(tensors):
        renamed, whose = segformer_names.from_hugging_face(tensors), "Hugging Face's"
    elif segformer_names.is_mmseg(tensors):
        renamed, whose = segformer_names.from_mmseg(tensors), "mmsegmentation's"
    else:
        return None
    stated = {
        "arch": "ens/segformer",
        "encoder": renamed.encoder,
        "channels": 3,
        "options": dict(renamed.options),
    }
    note = f"{whose} SegFormer, {renamed.encoder}"
    return Foreign(renamed.state_dict, stated, renamed.num_classes, (note,))


def _input_of(processor: Mapping[str, Any]) -> dict[str, Any]:
    """Mean, deviation and size that Hugging Face's preprocessor states."""
    stated: dict[str, Any] = {}
    size = processor.get("size")
    if isinstance(size, Mapping) and {"height", "width"} <= set(size):
        stated["size"] = [size["height"], size["width"]]
    elif isinstance(size, int):
        stated["size"] = size
    for key, name in (("mean", "image_mean"), ("std", "image_std")):
        if isinstance(processor.get(name), list):
            stated[key] = processor[name]
    return stated


def default_name(path: Path) -> str:
    """A member's name from that of its source: of a file without its suffix."""
    source = path.resolve()
    return source.name if source.is_dir() else source.stem
