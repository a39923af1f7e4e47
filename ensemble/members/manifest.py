"""The manifest of a member: all that is needed to feed its network and to read its answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ensemble.classes import ClassList, class_list_from_dict, class_list_to_dict
from ensemble.errors import ClassListError, MemberError
from ensemble.files.faults import list_faults

Library = Literal["smp", "torchvision", "ens"]
Activation = Literal["sigmoid", "softmax"]
Intensity = Literal["auto", "full", "percentile"]

_STRICT = ConfigDict(extra="forbid", frozen=True)


class NetworkSpec(BaseModel):
    """Which network to build: `arch` and `encoder` in the library's words, `options` passed on.

    smp: `arch` as in `smp.create_model` ("unet", "fpn", ...), `encoder` an encoder name.
    torchvision: `arch` a builder of `torchvision.models.segmentation`, no encoder.
    ens: "segformer", the paper's, on an encoder mit_b0 to mit_b5.
    """

    model_config = _STRICT

    library: Library
    arch: str
    encoder: str | None = None
    options: dict[str, Any] = Field(default_factory=dict)


class WindowSpec(BaseModel):
    """Overlapping windows of an image at its own size, each the network's input.

    Neighbours overlap by the share `overlap` of a side or more, so that windows lie evenly from
    border to border. Where several answer, they are averaged with weights that fall off from the
    middle of a window as a Gaussian of an eighth of its side (nnU-Net's), or flat.
    """

    model_config = _STRICT

    overlap: Annotated[float, Field(ge=0, le=0.9)] = 0.25
    weighting: Literal["gaussian", "flat"] = "gaussian"


class InputSpec(BaseModel):
    """How an image becomes the network's input.

    The image is resized to `size` (h, w) without keeping its aspect ratio, or with `window` seen
    through windows of `size` at its own resolution; cut to `channels`
    (1: grey, 3: RGB, grey copied); brought to 8 bit by `intensity`: "full" maps the range of its
    dtype, "percentile" its own 1st to 99th percentile, "auto" is full for 8-bit images and
    percentile for deeper ones, which seldom use their range; then (x / 255 - mean) / std a channel.
    """

    model_config = _STRICT

    size: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    channels: Literal[1, 3] = 3
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[Annotated[float, Field(gt=0)], ...] = (0.229, 0.224, 0.225)
    intensity: Intensity = "auto"
    window: WindowSpec | None = None

    @property
    def text(self) -> str:
        """Its size for people: "512 x 384", or "512 x 384 windows"."""
        size = " x ".join(map(str, self.size))
        return f"{size} windows" if self.window else size

    @model_validator(mode="after")
    def _one_mean_and_std_a_channel(self) -> InputSpec:
        if not len(self.mean) == len(self.std) == self.channels:
            raise ValueError(f"mean and std must have {self.channels} values, one a channel")
        return self


class Manifest(BaseModel):
    """A member's manifest, as stored in its file; plain types only."""

    model_config = _STRICT

    name: str
    network: NetworkSpec
    classes: dict[str, Any]
    input: InputSpec
    activation: Activation
    stride: Annotated[int, Field(ge=1)] = 32
    training: dict[str, Any] = Field(default_factory=dict)
    project_version: str

    @property
    def class_list(self) -> ClassList:
        """The classes of the network's output channels, in their order."""
        return class_list_from_dict(self.classes)


def class_field(classes: ClassList) -> dict[str, Any]:
    """A class list as `Manifest.classes` holds it."""
    return class_list_to_dict(classes)


def read_manifest(content: object) -> Manifest:
    """Validate a manifest of plain types; raises MemberError that lists every fault at once."""
    try:
        manifest = Manifest.model_validate(content)
        classes = manifest.class_list
    except ValidationError as error:
        faults = "; ".join(list_faults(Manifest, content, error))
        raise MemberError(f"the manifest is not valid: {faults}") from error
    except ClassListError as error:
        raise MemberError(f"the manifest is not valid: classes: {error}") from error
    if (manifest.activation == "softmax") != classes.exclusive:
        raise MemberError(
            "the activation does not fit the classes",
            expected="softmax for exclusive classes, sigmoid for overlapping ones",
            got=f"{manifest.activation} with exclusive: {str(classes.exclusive).lower()}",
        )
    return manifest
