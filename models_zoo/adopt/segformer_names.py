"""The names that SegFormer's weights have elsewhere, as those of `ensemble.members.segformer`.

Hugging Face's `SegformerForSemanticSegmentation` has queries, keys and values apart and joins the
scales from the coarsest on. mmsegmentation's has the three in one matrix, and 1 x 1 convolutions
where others have linear maps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from ensemble.errors import MemberError
from models_zoo.adopt.tensors import Tensors

# Blocks a scale, by size of the transformer; b0 is narrower than b1.
_DEPTHS = {
    (2, 2, 2, 2): ("mit_b0", "mit_b1"),
    (3, 4, 6, 3): ("mit_b2",),
    (3, 4, 18, 3): ("mit_b3",),
    (3, 8, 27, 3): ("mit_b4",),
    (3, 6, 40, 3): ("mit_b5",),
}
_NARROW = 32
_NUM_SCALES = 4

_HUGGING_FACE_BLOCK = {
    "layer_norm_1": "norm1",
    "layer_norm_2": "norm2",
    "attention.self.query": "attn.q",
    "attention.self.sr": "attn.sr",
    "attention.self.layer_norm": "attn.norm",
    "attention.output.dense": "attn.proj",
    "mlp.dense1": "mlp.fc1",
    "mlp.dwconv.dwconv": "mlp.dwconv.dwconv",
    "mlp.dense2": "mlp.fc2",
}
_MMSEG_BLOCK = {
    "norm1": "norm1",
    "norm2": "norm2",
    "attn.sr": "attn.sr",
    "attn.norm": "attn.norm",
    "attn.attn.out_proj": "attn.proj",
    "ffn.layers.0": "mlp.fc1",
    "ffn.layers.1": "mlp.dwconv.dwconv",
    "ffn.layers.4": "mlp.fc2",
}


@dataclass(frozen=True, slots=True)
class Renamed:
    """Weights by our names, the size of the transformer, and the options of `SegFormer`."""

    state_dict: Tensors
    encoder: str
    options: dict[str, object]
    num_classes: int


def is_hugging_face(tensors: Tensors) -> bool:
    """Whether the names are those of Hugging Face's SegFormer."""
    return "segformer.encoder.patch_embeddings.0.proj.weight" in tensors


def is_mmseg(tensors: Tensors) -> bool:
    """Whether the names are those of mmsegmentation's SegFormer."""
    return "backbone.layers.0.0.projection.weight" in tensors


def from_hugging_face(tensors: Tensors) -> Renamed:
    """Raises MemberError that names weights which are no part of the network, or are lacking."""
    left = dict(tensors)
    taken: Tensors = {}
    source = "segformer.encoder"
    for i in range(_NUM_SCALES):
        _move(
            left, taken, f"{source}.patch_embeddings.{i}.proj", f"encoder.patch_embed{i + 1}.proj"
        )
        _move(
            left,
            taken,
            f"{source}.patch_embeddings.{i}.layer_norm",
            f"encoder.patch_embed{i + 1}.norm",
        )
        _move(left, taken, f"{source}.layer_norm.{i}", f"encoder.norm{i + 1}")
        _move(left, taken, f"decode_head.linear_c.{i}.proj", f"head.scales.{i}.0", _to_convolution)
    for old, new in _blocks(tensors, rf"{source}\.block\.(\d)\.(\d+)\."):
        for theirs, ours in _HUGGING_FACE_BLOCK.items():
            _move(
                left,
                taken,
                f"{old}{theirs}",
                f"{new}{ours}",
                optional="self.sr" in theirs or "self.layer_norm" in theirs,
            )
        for end in ("weight", "bias"):
            parts = [_pop(left, f"{old}attention.self.{part}.{end}") for part in ("key", "value")]
            taken[f"{new}attn.kv.{end}"] = torch.cat(parts)
    fuse = _pop(left, "decode_head.linear_fuse.weight")
    taken["head.fuse.0.weight"] = torch.cat(list(fuse.chunk(_NUM_SCALES, 1))[::-1], 1)
    _move(left, taken, "decode_head.batch_norm", "head.fuse.1")
    _move(left, taken, "decode_head.classifier", "head.classify")
    return _renamed(taken, left, scale_norm=False, norm_eps=1e-5)


def from_mmseg(tensors: Tensors) -> Renamed:
    """Raises MemberError that names weights which are no part of the network, or are lacking."""
    left = {k: t for k, t in tensors.items() if not k.startswith(("auxiliary_head.", "data_pre"))}
    taken: Tensors = {}
    for i in range(_NUM_SCALES):
        stage = f"backbone.layers.{i}"
        _move(left, taken, f"{stage}.0.projection", f"encoder.patch_embed{i + 1}.proj")
        _move(left, taken, f"{stage}.0.norm", f"encoder.patch_embed{i + 1}.norm")
        _move(left, taken, f"{stage}.2", f"encoder.norm{i + 1}")
        _move(left, taken, f"decode_head.convs.{i}.conv", f"head.scales.{i}.0")
        _move(left, taken, f"decode_head.convs.{i}.bn", f"head.scales.{i}.1")
    for old, new in _blocks(tensors, r"backbone\.layers\.(\d)\.1\.(\d+)\."):
        for theirs, ours in _MMSEG_BLOCK.items():
            change = _to_linear if ours in ("mlp.fc1", "mlp.fc2") else None
            _move(
                left,
                taken,
                f"{old}{theirs}",
                f"{new}{ours}",
                change,
                optional=theirs in ("attn.sr", "attn.norm"),
            )
        for end in ("weight", "bias"):
            query, key, value = _pop(left, f"{old}attn.attn.in_proj_{end}").chunk(3)
            taken[f"{new}attn.q.{end}"] = query
            taken[f"{new}attn.kv.{end}"] = torch.cat([key, value])
    _move(left, taken, "decode_head.fusion_conv.conv", "head.fuse.0")
    _move(left, taken, "decode_head.fusion_conv.bn", "head.fuse.1")
    _move(left, taken, "decode_head.conv_seg", "head.classify")
    return _renamed(taken, left, scale_norm=True, norm_eps=1e-6)


def _renamed(taken: Tensors, left: Tensors, *, scale_norm: bool, norm_eps: float) -> Renamed:
    if left:
        raise MemberError(
            f"has {len(left)} weights that are no part of SegFormer",
            got=", ".join(sorted(left)[:3]),
        )
    depths = [0] * _NUM_SCALES
    for key in taken:
        if match := re.match(r"encoder\.block(\d)\.(\d+)\.", key):
            scale = int(match[1]) - 1
            depths[scale] = max(depths[scale], int(match[2]) + 1)
    sizes = _DEPTHS.get((depths[0], depths[1], depths[2], depths[3]))
    if sizes is None:
        raise MemberError(
            "is a transformer of another size", expected="one of mit_b0 to mit_b5", got=depths
        )
    width = len(taken["encoder.patch_embed1.proj.weight"])
    encoder = sizes[0] if len(sizes) == 1 or width == _NARROW else sizes[1]
    options: dict[str, object] = {
        "decoder_channels": len(taken["head.fuse.0.weight"]),
        "scale_norm": scale_norm,
        "norm_eps": norm_eps,
    }
    return Renamed(taken, encoder, options, len(taken["head.classify.weight"]))


def _blocks(tensors: Tensors, pattern: str) -> Iterator[tuple[str, str]]:
    """The beginnings of a block's names, theirs and ours."""
    found = {
        match[0]: f"encoder.block{int(match[1]) + 1}.{match[2]}."
        for key in tensors
        if (match := re.match(pattern, key))
    }
    yield from found.items()


def _move(
    left: Tensors,
    taken: Tensors,
    old: str,
    new: str,
    change: Callable[[torch.Tensor], torch.Tensor] | None = None,
    *,
    optional: bool = False,
) -> None:
    """All weights of a module to their new name."""
    found = [key for key in left if key.startswith(f"{old}.")]
    if not found and not optional:
        raise MemberError("lacks a part of SegFormer", got=f"no {old}")
    for key in found:
        tensor = left.pop(key)
        taken[new + key.removeprefix(old)] = tensor if change is None else change(tensor)


def _pop(left: Tensors, key: str) -> torch.Tensor:
    if key not in left:
        raise MemberError("lacks a part of SegFormer", got=f"no {key}")
    return left.pop(key)


def _to_convolution(tensor: torch.Tensor) -> torch.Tensor:
    """A linear map as a 1 x 1 convolution."""
    return tensor[:, :, None, None] if tensor.ndim == 2 else tensor


def _to_linear(tensor: torch.Tensor) -> torch.Tensor:
    """A 1 x 1 convolution as a linear map."""
    return tensor.flatten(1) if tensor.ndim == 4 else tensor
