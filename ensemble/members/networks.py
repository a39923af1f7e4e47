"""Networks by name, from segmentation-models-pytorch and torchvision, without their weights."""

from __future__ import annotations

import difflib
import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, redirect_stdout
from io import StringIO

import segmentation_models_pytorch as smp
from torch import Tensor, nn

from ensemble.errors import ConfigError, MemberError, few
from ensemble.members import segformer
from ensemble.members.manifest import NetworkSpec
from ensemble.members.network_options import TIMM_PREFIX, check_options, check_timm_name
from ensemble.members.torchvision_networks import (
    AUX_OPTION,
    ENCODERS,
    build_torchvision,
    takes_encoder,
    torchvision_archs,
)

# The one network of the library "ens".
SEGFORMER = "segformer"

# How smp, torchvision and timm refuse sizes, names and options that do not fit: by checks of their
# own, by asserts, and by whatever Python or torch raises where they do not check.
FORWARD_REFUSALS = (RuntimeError, ValueError, TypeError, LookupError, AssertionError)
BUILD_REFUSALS = (*FORWARD_REFUSALS, AttributeError, ArithmeticError)

# Sizes that every torchvision segmentation model halves without a remainder.
_TORCHVISION_STRIDE = 32


def smp_archs() -> list[str]:
    """Architectures that `smp.create_model` knows."""
    return sorted(smp.MODEL_ARCHITECTURES_MAPPING)


def check_arch(spec: NetworkSpec) -> None:
    """Raise ConfigError for an architecture that the library does not know."""
    known = {"smp": smp_archs(), "torchvision": torchvision_archs(), "ens": [SEGFORMER]}
    _check_known("architecture", spec.arch, known[spec.library])


def check_encoder(spec: NetworkSpec) -> None:
    """Raise ConfigError for an encoder that the library does not know, or where there is none."""
    encoder = spec.encoder or ""
    if spec.library == "ens":
        _check_known("encoder", encoder, segformer.ENCODERS)
    elif spec.library == "torchvision":
        if takes_encoder(spec.arch):
            _check_known("encoder", encoder, ENCODERS)
        elif spec.encoder is not None:
            raise ConfigError(
                f"torchvision's {spec.arch} has its encoder in its name",
                got=f"encoder {spec.encoder}",
            )
    # any timm encoder, of which there are about a thousand: timm itself checks those
    elif encoder.startswith(TIMM_PREFIX):
        check_timm_name(encoder)
    else:
        _check_known("encoder", encoder, smp.encoders.get_encoder_names())


def check_channels(spec: NetworkSpec, in_channels: int) -> None:
    """Raise ConfigError where the library has no network of so many channels."""
    if spec.library == "torchvision" and in_channels != 3:
        raise ConfigError(f"torchvision's {spec.arch} takes 3 channels", got=in_channels)


def build_network(
    spec: NetworkSpec, *, in_channels: int, num_classes: int, weights: str | None = None
) -> nn.Module:
    """Build the network: (N, in_channels, h, w) float32 -> output that `logits_of` reads.

    `weights`: None for random ones, "imagenet" for a pretrained encoder (a download).
    Raises ConfigError for what the library refuses, with its own words, and for options that are
    not a member's to set.
    """
    check_arch(spec)
    check_encoder(spec)
    check_channels(spec, in_channels)
    check_options(spec)
    try:
        with _quiet_fetching() if weights is not None else nullcontext():
            return _build(spec, in_channels, num_classes, weights)
    except OSError as error:  # before its children that are ValueErrors too, as a hub raises them
        raise ConfigError(
            f"the {weights} weights of {spec.encoder or spec.arch} cannot be fetched: "
            + str(error).partition(". ")[0],
            remedy="run this once where there is a network, or set weights: none, or a file",
        ) from error
    except BUILD_REFUSALS as error:
        with_encoder = f" with encoder {spec.encoder}" if spec.encoder else ""
        raise ConfigError(
            f"{spec.library} cannot build {spec.arch}{with_encoder}: {refusal_text(error)}"
        ) from error


def _build(spec: NetworkSpec, in_channels: int, num_classes: int, weights: str | None) -> nn.Module:
    if spec.library == "torchvision":
        return build_torchvision(
            spec.arch,
            spec.encoder,
            num_classes=num_classes,
            pretrained=weights is not None,
            options=spec.options,
        )
    if spec.library == "ens":
        return _build_segformer(spec, in_channels, num_classes, weights)
    network: nn.Module = smp.create_model(
        spec.arch,
        encoder_name=spec.encoder,
        encoder_weights=weights,
        in_channels=in_channels,
        classes=num_classes,
        **spec.options,
    )
    return network


@contextmanager
def _quiet_fetching() -> Iterator[None]:
    """Libraries say nothing while they fetch weights: in the end they have them, or raise.

    The hub tells of every try, torch prints each address among the results, and smp warns that
    "imagenet" of a timm encoder is that of its name.
    """
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with redirect_stdout(StringIO()), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "For 'tu-'", UserWarning)
            yield
    finally:
        logger.setLevel(level)


def refusal_text(error: Exception) -> str:
    """What a library says in refusing; some of timm's asserts say nothing."""
    return str(error) or f"{type(error).__name__} without a reason"


def logits_of(output: Tensor | Mapping[str, Tensor] | tuple[Tensor, ...]) -> Tensor:
    """The logits (N, C, h, w) in an output: a tensor, smp's (masks, aux) or torchvision's dict."""
    if isinstance(output, Tensor):
        return output
    if isinstance(output, tuple):
        return output[0]
    return output["out"]


def aux_logits_of(output: Tensor | Mapping[str, Tensor] | tuple[Tensor, ...]) -> Tensor | None:
    """The logits (N, C, h, w) of the head that torchvision's networks have for training alone."""
    return output.get("aux") if isinstance(output, Mapping) else None


def for_prediction(spec: NetworkSpec) -> NetworkSpec:
    """The network without the head that only training needs."""
    options = {key: value for key, value in spec.options.items() if key != AUX_OPTION}
    return spec.model_copy(update={"options": options}) if spec.library == "torchvision" else spec


def network_stride(network: nn.Module) -> int:
    """Pixels that height and width of the input must be a multiple of."""
    encoder = getattr(network, "encoder", None)
    return int(getattr(encoder, "output_stride", _TORCHVISION_STRIDE))


def load_weights(network: nn.Module, state_dict: Mapping[str, Tensor]) -> None:
    """Load a state_dict of exactly this network; raises MemberError naming what does not fit."""
    check_weights(network, state_dict)
    try:
        network.load_state_dict(state_dict)
    except RuntimeError as error:  # tensors that cannot be copied, as sparse ones
        raise MemberError(f"state_dict cannot be loaded: {error}") from error


def check_weights(network: nn.Module, state_dict: Mapping[str, Tensor]) -> None:
    """Raise MemberError, naming what does not fit, for a state_dict of another network."""
    own = network.state_dict()
    missing = sorted(set(own) - set(state_dict))
    extra = sorted(set(state_dict) - set(own))
    wrong = sorted(
        f"{key} {tuple(state_dict[key].shape)} for {tuple(own[key].shape)}"
        for key in set(own) & set(state_dict)
        if own[key].shape != state_dict[key].shape
    )
    for what, keys in (("lacks", missing), ("has unknown", extra), ("has wrong shapes in", wrong)):
        if keys:
            raise MemberError(f"state_dict {what} {len(keys)} keys", got=few(keys, 3))


def _build_segformer(
    spec: NetworkSpec, in_channels: int, num_classes: int, weights: str | None
) -> nn.Module:
    network = segformer.SegFormer(
        spec.encoder or "", in_channels=in_channels, num_classes=num_classes, **spec.options
    )
    if weights is not None:
        pretrained = smp.encoders.get_encoder(
            spec.encoder, in_channels=in_channels, depth=5, weights=weights
        )
        network.encoder.load_state_dict(pretrained.state_dict())
    return network


def _check_known(what: str, name: str, known: Iterable[str]) -> None:
    known = sorted(known)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known[:12]
        more = len(known) - len(near)
        raise ConfigError(
            f"unknown {what} {name!r}",
            expected=f"one of {', '.join(near)}" + (f" and {more} more" if more else ""),
        )
