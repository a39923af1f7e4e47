"""What zoo.yaml says of a member: its network, its input, how it is trained and augmented."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ensemble import __version__
from ensemble.classes import ClassList
from ensemble.errors import ConfigError
from ensemble.members.manifest import (
    InputSpec,
    Intensity,
    Library,
    Manifest,
    NetworkSpec,
    WindowSpec,
    class_field,
)
from ensemble.members.torchvision_networks import takes_encoder
from models_zoo.settings.augment_spec import AugmentSpec
from models_zoo.settings.loss_terms import LossTerm, parse_loss
from models_zoo.settings.section import Section, is_boolean

Precision = Literal["auto", "fp32", "bf16"]
Schedule = Literal["cosine", "poly"]
Side = Annotated[int, Field(ge=1, le=8192)]

# Before the name of an architecture that is not smp's.
TORCHVISION_PREFIX, OWN_PREFIX = "torchvision/", "ens/"
# Words for weights that are no file.
IMAGENET, NO_WEIGHTS = "imagenet", "none"
_DEFAULT_ENCODER, _DEFAULT_OWN_ENCODER = "resnet34", "mit_b0"
# Mean and deviation of ImageNet, which pretrained encoders were fed with; grey: their averages.
_IMAGENET_MEAN = {3: (0.485, 0.456, 0.406), 1: (0.449,)}
_IMAGENET_STD = {3: (0.229, 0.224, 0.225), 1: (0.226,)}


def names_its_encoder(member: Mapping[str, Any]) -> bool:
    """Whether the architecture of a member, as it stands in the file, has its encoder in it."""
    arch = str(member.get("arch"))
    is_torchvision = member.get("library") == "torchvision" or arch.startswith(TORCHVISION_PREFIX)
    return is_torchvision and not takes_encoder(arch.removeprefix(TORCHVISION_PREFIX))


def fold_suffix(fold: int) -> str:
    """What the name of a member ends with that is trained once for each fold."""
    return f"-f{fold}"


class WindowSection(Section, WindowSpec):
    """How a member looks through windows, and how many it learns from of each image an epoch.

    Four windows of 512 show as many pixels as an image of 1024 has.
    """

    crops: Annotated[int, Field(ge=1)] = 4


class MemberSpec(Section):
    """One member of the zoo; the defaults suit several hundred images and a GPU.

    `size` is that of its input: of the whole image resized, or with `window` of each window.
    `weights`: those of the encoder that its library fetches, none, or a file, see `start_from`.
    `batch: auto` is the largest that fits and pays, see `batch_search`. `devices` share each batch;
    the gradients of `accumulate` batches make a step. `checkpointing` computes the encoder twice
    instead of keeping what it computed; `compile` is torch.compile. `loss`: see `loss_terms`;
    `class_weights`: what classes count in it, 1 where nothing is said. `soup`: the weights of so
    many last epochs are averaged (Izmailov et al. 2018), and taken if that scores higher than each.
    """

    arch: str
    encoder: str | None = None
    library: Library = "smp"
    name: str | None = None
    weights: str = IMAGENET
    size: tuple[Side, Side] = (512, 512)
    window: WindowSection | None = None
    channels: Literal[1, 3] = 3
    intensity: Intensity = "auto"
    mean: tuple[float, ...] | None = None
    std: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    epochs: Annotated[int, Field(ge=1)] = 60
    batch: Annotated[int, Field(ge=1)] | Literal["auto"] = 8
    devices: Annotated[int, Field(ge=1)] = 1
    accumulate: Annotated[int, Field(ge=1)] = 1
    checkpointing: Literal["encoder", "none"] = "none"
    compile: bool = False
    optimizer: Literal["adamw", "sgd"] = "adamw"
    schedule: Schedule = "cosine"
    lr: Annotated[float, Field(gt=0, le=10)] = 5e-4
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    loss: str = "bce_dice"
    class_weights: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    precision: Precision = "auto"
    seed: Annotated[int, Field(ge=0)] = 0
    warmup_epochs: Annotated[float, Field(ge=0)] = 1.0
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.995
    soup: Annotated[int, Field(ge=0)] = 0
    clip_norm: Annotated[float, Field(gt=0)] = 1.0
    validate_every: Annotated[int, Field(ge=1)] = 1
    augment: AugmentSpec = AugmentSpec()
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _library_in_the_name(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        value = dict(value)
        arch = value.get("arch")
        for prefix in (TORCHVISION_PREFIX, OWN_PREFIX):
            if isinstance(arch, str) and arch.startswith(prefix):
                value |= {"arch": arch.removeprefix(prefix), "library": prefix.removesuffix("/")}
        if value.get("encoder") is None and not names_its_encoder(value):
            is_own = value.get("library") == "ens"
            value["encoder"] = _DEFAULT_OWN_ENCODER if is_own else _DEFAULT_ENCODER
        return value

    @field_validator("size", mode="before")
    @classmethod
    def _square(cls, value: Any) -> Any:
        return (value, value) if isinstance(value, int | str) and not is_boolean(value) else value

    @field_validator("window", mode="before")
    @classmethod
    def _none_is_no_window(cls, value: Any) -> Any:
        return None if value == "none" else value

    @field_validator("mean", "std", mode="before")
    @classmethod
    def _one_for_grey(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int | float) and not is_boolean(value) else value

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", value):
            raise ValueError("a name becomes a file name: letters, digits and . _ + - only")
        return value

    @field_validator("loss")
    @classmethod
    def _known_loss(cls, value: str) -> str:
        parse_loss(value)
        return value

    @field_validator("mean", "std")
    @classmethod
    def _one_value_a_channel(
        cls, value: tuple[float, ...] | None, info: ValidationInfo
    ) -> tuple[float, ...] | None:
        channels = info.data.get("channels")
        if channels is not None and value is not None and len(value) != channels:
            raise ValueError(f"must have {channels} values, one a channel")
        return value

    @model_validator(mode="after")
    def _even_shares(self) -> MemberSpec:
        if self.batch == "auto":
            if self.devices > 1:
                raise ValueError("a batch that devices share needs a number, not auto")
        elif self.batch % self.devices:
            raise ValueError(f"a batch of {self.batch} is not for {self.devices} devices to share")
        return self

    @property
    def batch_size(self) -> int:
        """Images in a batch; raises ConfigError while it is auto, which `settle_batch` ends."""
        if self.batch == "auto":
            raise ConfigError("the batch was not settled yet", where=self.full_name)
        return self.batch

    @property
    def full_name(self) -> str:
        """Its name: the one given, or for example unet-resnet18-256, -256x192 (h x w), -256w."""
        if self.name is not None:
            return self.name
        height, width = self.size
        side = str(height) if height == width else f"{height}x{width}"
        side += "w" if self.window else ""
        # "tu-" encoders of timm may hold dots and slashes
        encoder = re.sub(r"[^A-Za-z0-9._+-]", "_", self.encoder or "")
        return "-".join(part for part in (self.arch, encoder, side) if part)

    def of_fold(self, fold: int) -> MemberSpec:
        """The same member, named after the fold that it does not learn from."""
        return self.model_copy(update={"name": self.full_name + fold_suffix(fold)})

    @property
    def loss_terms(self) -> tuple[LossTerm, ...]:
        """What its loss sums."""
        return parse_loss(self.loss)

    @property
    def network(self) -> NetworkSpec:
        """Which network to build."""
        return NetworkSpec(
            library=self.library, arch=self.arch, encoder=self.encoder, options=self.options
        )

    @property
    def input(self) -> InputSpec:
        """How an image becomes its input."""
        window = self.window
        return InputSpec(
            size=self.size,
            channels=self.channels,
            mean=self.mean or _IMAGENET_MEAN[self.channels],
            std=self.std or _IMAGENET_STD[self.channels],
            intensity=self.intensity,
            window=window and WindowSpec(overlap=window.overlap, weighting=window.weighting),
        )

    def manifest(
        self, classes: ClassList, *, stride: int, training: dict[str, Any] | None = None
    ) -> Manifest:
        """The manifest of a member of these classes; `training` is what it tells of its making."""
        return Manifest(
            name=self.full_name,
            network=self.network,
            classes=class_field(classes),
            input=self.input,
            activation="softmax" if classes.exclusive else "sigmoid",
            stride=stride,
            training=training or {},
            project_version=__version__,
        )

    @property
    def encoder_weights(self) -> str | None:
        """What `build_network` takes: "imagenet" or None."""
        return IMAGENET if self.weights == IMAGENET else None

    @property
    def weights_file(self) -> Path | None:
        """The checkpoint to begin with; None without one."""
        return None if self.weights in (IMAGENET, NO_WEIGHTS) else Path(self.weights)
