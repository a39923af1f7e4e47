"""The JSON schema of zoo.yaml, for editors that complete and check while one types.

It is made from the models that read the file, with the shorter forms that those take, and with the
names of architectures and encoders. What one key demands of another (an encoder of its
architecture, a size of its stride) only `read_zoo` knows.
"""

from __future__ import annotations

from typing import Any

import segmentation_models_pytorch as smp

from ensemble.members.network_options import TIMM_PREFIX
from ensemble.members.networks import SEGFORMER, smp_archs
from ensemble.members.torchvision_networks import ENCODERS, torchvision_archs
from models_zoo.settings.augment_spec import PRESET, PRESETS
from models_zoo.settings.member_spec import OWN_PREFIX, TORCHVISION_PREFIX, MemberSpec
from models_zoo.settings.sweep import NOT_SWEPT, SWEEP
from models_zoo.settings.zoo_file import ZooDocument

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_DEFS = "$defs"
# What may stand in place of the full form.
_SHORT_FORMS: dict[str, dict[str, Any]] = {
    "size": {"type": "integer", "minimum": 1},
    "window": {"const": "none"},
    "augment": {"enum": list(PRESETS)},
    "mean": {"type": "number"},
    "std": {"type": "number", "exclusiveMinimum": 0},
}

Schema = dict[str, Any]


def zoo_schema() -> Schema:
    """The schema, in plain types."""
    schema = ZooDocument.model_json_schema()
    member = _member_schema()
    schema[_DEFS] |= member.pop(_DEFS) | {"Member": member}
    schema["properties"]["defaults"] = {"$ref": f"#/{_DEFS}/Member"}
    schema["properties"]["members"]["items"] = {"$ref": f"#/{_DEFS}/Member"}
    return {"$schema": _DRAFT, **schema, "title": "zoo.yaml"}


def _member_schema() -> Schema:
    schema = MemberSpec.model_json_schema()
    keys: dict[str, Schema] = schema["properties"]
    schema[_DEFS]["AugmentSpec"]["properties"][PRESET] = {"enum": list(PRESETS)}
    for key, short in _SHORT_FORMS.items():
        keys[key] = {"anyOf": [short, keys[key]]}
    own = [OWN_PREFIX + SEGFORMER]
    keys["arch"] = {"enum": [*smp_archs(), *_torchvision_names(), *own]}
    keys["encoder"] = {
        "anyOf": [
            {"enum": sorted({*smp.encoders.get_encoder_names(), *ENCODERS})},
            {"type": "string", "pattern": f"^{TIMM_PREFIX}"},
        ]
    }
    lists = {
        key: {"type": "array", "minItems": 1, "items": value}
        for key, value in keys.items()
        if key not in NOT_SWEPT
    }
    keys[SWEEP] = {"type": "object", "properties": lists, "additionalProperties": False}
    del schema["required"]  # it may stand in the defaults, or in a sweep
    return schema


def _torchvision_names() -> list[str]:
    """With the prefix, and without it beside `library: torchvision`."""
    names = torchvision_archs()
    return [*(TORCHVISION_PREFIX + name for name in names), *names]
