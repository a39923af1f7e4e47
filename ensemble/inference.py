"""A member's soft map of an image: prepare, look at every view, average on the member's grid."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from ensemble.errors import EnsError
from ensemble.images import Image
from ensemble.members.member import FusionSpace, Member
from ensemble.members.preprocess import normalise, prepare_image
from ensemble.views import View, mean_over_views


@torch.inference_mode()
def soft_map(member: Member, image: Image, views: tuple[View, ...], space: FusionSpace) -> Tensor:
    """Mean over views (C, h, w) float32, on the member's device and grid, in the fusion space.

    `image`: (H, W) or (H, W, 3), 8 or 16 bit. Raises MemberError, naming the member, if the network
    cannot take a view's size or answers nonsense.
    """
    manifest = member.manifest
    pixels = torch.from_numpy(prepare_image(image, manifest.input)).to(member.device)
    try:
        maps = mean_over_views(
            views,
            normalise(pixels[None], manifest.input),
            partial(member.maps, space=space),
            stride=manifest.stride,
            mirror_permutation=manifest.class_list.mirror_permutation,
        )
    except EnsError as error:
        raise error.at(member.name) from error
    return maps[0]
