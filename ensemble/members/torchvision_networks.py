"""torchvision's segmentation networks: its own builders, and its heads on any of its ResNets.

`torchvision.models.segmentation` builds FCN and DeepLabV3 on ResNet-50 and -101 only. "fcn" and
"deeplabv3" with an encoder put the same heads on the others; strides of the last two stages become
dilations, as there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torchvision import models
from torchvision.models import segmentation
from torchvision.models.feature_extraction import create_feature_extractor
from torchvision.models.segmentation.deeplabv3 import DeepLabHead, DeepLabV3
from torchvision.models.segmentation.fcn import FCN, FCNHead

ENCODERS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
# The option of all builders, and what the weights of that head are called.
AUX_OPTION, AUX_PREFIX = "aux_loss", "aux_classifier."

_HEADS: Mapping[str, tuple[Any, Any]] = {
    "fcn": (FCN, FCNHead),
    "deeplabv3": (DeepLabV3, DeepLabHead),
}
# Of the blocks of a stage: the first one's dilation, and that of the others.
_DILATIONS = {"layer3": (1, 2), "layer4": (2, 4)}


def torchvision_archs() -> list[str]:
    """Builders of `torchvision.models.segmentation`, and the heads that take an encoder."""
    return sorted((*models.list_models(module=segmentation), *_HEADS))


def takes_encoder(arch: str) -> bool:
    """Whether an architecture is built on an encoder that is named beside it."""
    return arch in _HEADS


def build_torchvision(
    arch: str,
    encoder: str | None,
    *,
    num_classes: int,
    pretrained: bool,
    options: Mapping[str, Any],
) -> nn.Module:
    """The network of an architecture; with `pretrained` its encoder's weights are fetched."""
    weights = "DEFAULT" if pretrained else None
    if encoder is None:
        stock: nn.Module = models.get_model(
            arch, weights=None, weights_backbone=weights, num_classes=num_classes, **options
        )
        return stock
    network, head = _HEADS[arch]
    resnet = _dilated(models.get_model(encoder, weights=weights))
    wanted, aux = {"layer4": "out"}, None
    if options.get(AUX_OPTION):
        wanted = {"layer3": "aux", **wanted}
        aux = FCNHead(_num_channels(resnet.layer3), num_classes)
    features = create_feature_extractor(resnet, wanted)
    built: nn.Module = network(features, head(_num_channels(resnet.layer4), num_classes), aux)
    return built


def without_aux(state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights without those of the head that only training needs."""
    return {key: value for key, value in state_dict.items() if not key.startswith(AUX_PREFIX)}


def _dilated(resnet: nn.Module) -> Any:
    """The ResNet with an output of an eighth of its input, instead of a thirty-second."""
    for name, (first, others) in _DILATIONS.items():
        for number, block in enumerate(getattr(resnet, name)):
            rate = others if number else first
            for conv in block.modules():
                if isinstance(conv, nn.Conv2d):
                    reach = conv.kernel_size[0] // 2 * rate
                    conv.stride, conv.dilation, conv.padding = (1, 1), (rate,) * 2, (reach,) * 2
    return resnet


def _num_channels(layer: nn.Module) -> int:
    """Channels that a stage of a ResNet answers with."""
    norms = [module for module in layer.modules() if isinstance(module, nn.BatchNorm2d)]
    return norms[-1].num_features
