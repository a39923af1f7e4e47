"""SegFormer b0 as mmsegmentation builds it, written anew under its names, to compare with."""

import torch
from torch import nn
from torch.nn import functional as nnf

WIDTHS, HEADS, REDUCTIONS = (32, 64, 160, 256), (1, 2, 5, 8), (8, 4, 2, 1)


def norm(width):
    return nn.LayerNorm(width, eps=1e-6)


def to_map(tokens, size):
    return tokens.transpose(1, 2).unflatten(2, size)


def to_tokens(maps):
    return maps.flatten(2).transpose(1, 2)


class PatchEmbed(nn.Module):
    def __init__(self, before, width, side, stride):
        super().__init__()
        self.projection = nn.Conv2d(before, width, side, stride, side // 2)
        self.norm = norm(width)

    def forward(self, maps):
        maps = self.projection(maps)
        return self.norm(to_tokens(maps)), maps.shape[2:]


class Attention(nn.Module):
    def __init__(self, width, heads, reduction):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.reduction = reduction
        if reduction > 1:
            self.sr = nn.Conv2d(width, width, reduction, reduction)
            self.norm = norm(width)

    def forward(self, tokens, size):
        keys = tokens
        if self.reduction > 1:
            keys = self.norm(to_tokens(self.sr(to_map(tokens, size))))
        return self.attn(tokens, keys, keys, need_weights=False)[0]


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        inner = 4 * width
        self.layers = nn.Sequential(
            nn.Conv2d(width, inner, 1),
            nn.Conv2d(inner, inner, 3, padding=1, groups=inner),
            nn.GELU(),
            nn.Identity(),
            nn.Conv2d(inner, width, 1),
        )

    def forward(self, tokens, size):
        return to_tokens(self.layers(to_map(tokens, size)))


class Block(nn.Module):
    def __init__(self, width, heads, reduction):
        super().__init__()
        self.norm1, self.norm2 = norm(width), norm(width)
        self.attn = Attention(width, heads, reduction)
        self.ffn = FeedForward(width)

    def forward(self, tokens, size):
        tokens = tokens + self.attn(self.norm1(tokens), size)
        return tokens + self.ffn(self.norm2(tokens), size)


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList()
        for i, width in enumerate(WIDTHS):
            embed = PatchEmbed(*((3, width, 7, 4) if i == 0 else (WIDTHS[i - 1], width, 3, 2)))
            blocks = nn.ModuleList(Block(width, HEADS[i], REDUCTIONS[i]) for _ in range(2))
            self.layers.append(nn.ModuleList([embed, blocks, norm(width)]))

    def forward(self, maps):
        found = []
        for embed, blocks, last in self.layers:
            tokens, size = embed(maps)
            for block in blocks:
                tokens = block(tokens, size)
            maps = to_map(last(tokens), size)
            found.append(maps)
        return found


class ConvModule(nn.Module):
    def __init__(self, before, width):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width)

    def forward(self, maps):
        return self.bn(self.conv(maps)).relu()


class Head(nn.Module):
    def __init__(self, num_classes, width):
        super().__init__()
        self.convs = nn.ModuleList(ConvModule(before, width) for before in WIDTHS)
        self.fusion_conv = ConvModule(4 * width, width)
        self.conv_seg = nn.Conv2d(width, num_classes, 1)

    def forward(self, found):
        size = found[0].shape[2:]
        scaled = [
            nnf.interpolate(conv(maps), size, mode="bilinear", align_corners=False)
            for conv, maps in zip(self.convs, found, strict=True)
        ]
        return self.conv_seg(self.fusion_conv(torch.cat(scaled, 1)))


class MmsegSegFormer(nn.Module):
    def __init__(self, num_classes, width=64):
        super().__init__()
        self.backbone, self.decode_head = Backbone(), Head(num_classes, width)

    def forward(self, batch):
        logits = self.decode_head(self.backbone(batch))
        return nnf.interpolate(logits, batch.shape[2:], mode="bilinear", align_corners=False)


def randomise(network):
    """Weights and statistics that no test passes by accident."""
    generator = torch.Generator().manual_seed(0)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2, generator=generator)
        elif tensor.is_floating_point():
            near = 1.0 if tensor.ndim == 1 and name.endswith("weight") else 0.0
            tensor.normal_(near, 0.1, generator=generator)
    return network.eval()
