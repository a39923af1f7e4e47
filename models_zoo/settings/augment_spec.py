"""How images are changed before they are learnt from, as zoo.yaml says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from models_zoo.settings.section import Section

Probability = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
# albumentations takes gamma in percent, from 1 on
Gamma = Annotated[float, Field(ge=0.01, le=100)]

PRESET = "preset"
_ALL_OFF = dict.fromkeys(
    (
        *("hflip", "vflip", "affine", "elastic", "brightness_contrast", "gamma", "clahe", "emboss"),
        *("sharpen", "blur", "noise", "cutout", "mosaic", "ricap"),
    ),
    0.0,
)
# light: many images, or a pretrained encoder and few epochs. xray: grey levels that differ from one
# apparatus to the next, limbs that lie at an angle. strong: few images and many epochs.
PRESETS: Mapping[str, Mapping[str, float]] = {
    "none": _ALL_OFF,
    "light": _ALL_OFF
    | {"hflip": 0.5, "affine": 0.5, "rotate_deg": 7.0, "scale": 0.1, "shift": 0.03}
    | {"brightness_contrast": 0.3},
    "xray": {"rotate_deg": 20.0, "clahe": 0.2, "blur": 0.1, "noise": 0.2, "cutout": 0.1},
    "strong": {"affine": 0.9, "rotate_deg": 30.0, "scale": 0.3, "shift": 0.1, "elastic": 0.3}
    | {"brightness_contrast": 0.7, "brightness": 0.25, "contrast": 0.3, "gamma": 0.5}
    | {"clahe": 0.2, "blur": 0.2, "noise": 0.3, "cutout": 0.3, "ricap": 0.2},
}


class AugmentSpec(Section):
    """How often and how far an image is changed before it is learnt from.

    Probabilities but for these: `rotate_deg` is the largest turn to either side; `scale` and
    `shift` are shares of the size, as is `elastic_shift`, how far a bend mostly moves things;
    `brightness` and `contrast` are shares of the range; `gamma_limit` as in x ** gamma. Classes in
    mirror_pairs swap under a flip. `cutout` blackens rectangles of the image and leaves the label.
    `mosaic` puts four images together at half their size, `ricap` parts of four at their own.
    Windows are not shifted: they lie at random anyway.
    """

    hflip: Probability = 0.5
    vflip: Probability = 0.0
    affine: Probability = 0.8
    rotate_deg: Annotated[float, Field(ge=0, le=180)] = 15.0
    scale: Share = 0.15
    shift: Share = 0.06
    elastic: Probability = 0.0
    elastic_shift: Annotated[float, Field(gt=0, lt=1)] = 0.012
    brightness_contrast: Probability = 0.5
    brightness: Probability = 0.15
    contrast: Probability = 0.2
    gamma: Probability = 0.3
    gamma_limit: tuple[Gamma, Gamma] = (0.7, 1.4)
    clahe: Probability = 0.1
    emboss: Probability = 0.1
    sharpen: Probability = 0.1
    blur: Probability = 0.0
    noise: Probability = 0.0
    cutout: Probability = 0.0
    mosaic: Probability = 0.0
    ricap: Probability = 0.0

    @field_validator("gamma_limit")
    @classmethod
    def _lower_first(cls, value: tuple[float, float]) -> tuple[float, float]:
        if value[0] > value[1]:
            raise ValueError("the lower limit comes first")
        return value

    @model_validator(mode="before")
    @classmethod
    def _on_a_preset(cls, value: Any) -> Any:
        """A preset by its name, or with changes: {preset: xray, hflip: 0}."""
        if isinstance(value, str):
            value = {PRESET: value}
        if not isinstance(value, dict) or PRESET not in value:
            return value
        changes = {key: each for key, each in value.items() if key != PRESET}
        if not isinstance(value[PRESET], str) or value[PRESET] not in PRESETS:
            raise ValueError(f"has no preset {value[PRESET]!r}: {', '.join(PRESETS)}")
        return {**PRESETS[value[PRESET]], **changes}
