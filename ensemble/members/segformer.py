"""SegFormer as its authors and those who went on from them train it (Xie et al. 2021).

A Mix Transformer, and a head that brings its four scales to one width, fuses them and classifies.
Two heads are in use: with a linear map a scale (the paper's, Hugging Face's), and with batch
normalisation and a ReLU after it (mmsegmentation's). Checkpoints of all fit, after a change of
names, see `models_zoo.adopt`.
"""

from __future__ import annotations

from collections.abc import Sequence

import segmentation_models_pytorch as smp
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

ENCODERS = tuple(f"mit_b{size}" for size in range(6))
OPTIONS = ("decoder_channels", "scale_norm", "norm_eps")
_DROPOUT = 0.1


class SegFormerHead(nn.Module):
    """Features (N, C_i, h_i, w_i) of falling size to logits (N, C, h_0, w_0)."""

    def __init__(
        self, in_channels: Sequence[int], channels: int, num_classes: int, *, scale_norm: bool
    ) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, channels, 1, bias=not scale_norm),
                *([nn.BatchNorm2d(channels), nn.ReLU()] if scale_norm else []),
            )
            for width in in_channels
        )
        self.fuse = nn.Sequential(
            nn.Conv2d(len(in_channels) * channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Dropout2d(_DROPOUT),
        )
        self.classify = nn.Conv2d(channels, num_classes, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Logits at the size of the first features."""
        size = features[0].shape[2:]
        scaled = [
            _resized(scale(each), size) for scale, each in zip(self.scales, features, strict=True)
        ]
        logits: Tensor = self.classify(self.fuse(torch.cat(scaled, 1)))
        return logits


class SegFormer(nn.Module):
    """(N, in_channels, h, w) to logits (N, num_classes, h, w), of a quarter of that resolution.

    They are brought to the size of the input bilinearly (align_corners=False), as the originals'
    own post-processing does. `norm_eps`: of all layer normalisations, None for smp's.
    """

    def __init__(
        self,
        encoder: str,
        *,
        in_channels: int,
        num_classes: int,
        decoder_channels: int = 256,
        scale_norm: bool = False,
        norm_eps: float | None = None,
    ) -> None:
        super().__init__()
        self.encoder = smp.encoders.get_encoder(
            encoder, in_channels=in_channels, depth=5, weights=None
        )
        widths = self.encoder.out_channels[2:]
        self.head = SegFormerHead(widths, decoder_channels, num_classes, scale_norm=scale_norm)
        if norm_eps is not None:
            for module in self.encoder.modules():
                if isinstance(module, nn.LayerNorm):
                    module.eps = norm_eps

    def forward(self, batch: Tensor) -> Tensor:
        """Logits at the size of the input."""
        features = self.encoder(batch)[2:]  # the first two are the input and a filler
        return _resized(self.head(features), batch.shape[2:])


def _resized(maps: Tensor, size: Sequence[int]) -> Tensor:
    return nnf.interpolate(maps, size=list(size), mode="bilinear", align_corners=False)
