"""SegFormers of other programs answer as they did there."""

import pytest
import torch
from torch.testing import assert_close

from ensemble.errors import MemberError
from ensemble.members.segformer import SegFormer
from mmseg_segformer import MmsegSegFormer, randomise
from models_zoo.adopt.segformer_names import (
    from_hugging_face,
    from_mmseg,
    is_hugging_face,
    is_mmseg,
)

BATCH = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))


def answer(renamed):
    network = SegFormer(
        renamed.encoder, in_channels=3, num_classes=renamed.num_classes, **renamed.options
    )
    network.load_state_dict(renamed.state_dict)
    with torch.no_grad():
        return network.eval()(BATCH)


def test_mmsegmentations_answers_the_same():
    theirs = randomise(MmsegSegFormer(num_classes=5))
    weights = theirs.state_dict()
    assert is_mmseg(weights)
    assert not is_hugging_face(weights)
    renamed = from_mmseg(weights | {"auxiliary_head.conv_seg.bias": torch.zeros(5)})
    assert (renamed.encoder, renamed.num_classes) == ("mit_b0", 5)
    with torch.no_grad():
        assert_close(answer(renamed), theirs(BATCH), atol=1e-5, rtol=1e-5)


def hugging_face_names(network):
    """Our weights under Hugging Face's names, rule by rule as its documentation lists them."""
    weights = {}
    for key, tensor in network.state_dict().items():
        part, _, rest = key.partition(".")
        words = rest.split(".")
        if part == "encoder" and words[0].startswith("patch_embed"):
            scale = int(words[0][-1]) - 1
            module = {"proj": "proj", "norm": "layer_norm"}[words[1]]
            weights[f"segformer.encoder.patch_embeddings.{scale}.{module}.{words[2]}"] = tensor
        elif part == "encoder" and words[0].startswith("norm"):
            weights[f"segformer.encoder.layer_norm.{int(words[0][-1]) - 1}.{words[1]}"] = tensor
        elif part == "encoder":
            scale, number, module, end = (
                int(words[0][-1]) - 1,
                words[1],
                ".".join(words[2:-1]),
                words[-1],
            )
            place = f"segformer.encoder.block.{scale}.{number}"
            if module == "attn.kv":
                key_half, value_half = tensor.chunk(2)
                weights[f"{place}.attention.self.key.{end}"] = key_half
                weights[f"{place}.attention.self.value.{end}"] = value_half
                continue
            theirs = {
                "norm1": "layer_norm_1",
                "norm2": "layer_norm_2",
                "attn.q": "attention.self.query",
                "attn.sr": "attention.self.sr",
                "attn.norm": "attention.self.layer_norm",
                "attn.proj": "attention.output.dense",
                "mlp.fc1": "mlp.dense1",
                "mlp.fc2": "mlp.dense2",
                "mlp.dwconv.dwconv": "mlp.dwconv.dwconv",
            }[module]
            weights[f"{place}.{theirs}.{end}"] = tensor
        elif rest.startswith("scales"):
            flat = tensor.flatten(1) if words[-1] == "weight" else tensor
            weights[f"decode_head.linear_c.{words[1]}.proj.{words[-1]}"] = flat
        elif rest == "fuse.0.weight":
            weights["decode_head.linear_fuse.weight"] = torch.cat(tensor.chunk(4, 1)[::-1], 1)
        elif rest.startswith("fuse.1"):
            weights[f"decode_head.batch_norm.{words[-1]}"] = tensor
        else:
            weights[f"decode_head.classifier.{words[-1]}"] = tensor
    return weights


@pytest.mark.parametrize("encoder", ["mit_b0", "mit_b1", "mit_b2", "mit_b5"])
def test_hugging_faces_names_are_undone(encoder):
    ours = SegFormer(encoder, in_channels=3, num_classes=4, decoder_channels=48, norm_eps=1e-5)
    ours = randomise(ours)
    weights = hugging_face_names(ours)
    assert is_hugging_face(weights)
    renamed = from_hugging_face(weights)
    assert (renamed.encoder, renamed.options["decoder_channels"]) == (encoder, 48)
    assert set(renamed.state_dict) == set(ours.state_dict())
    if encoder == "mit_b0":
        with torch.no_grad():
            assert_close(answer(renamed), ours(BATCH))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"decode_head.extra.weight": torch.zeros(1)}, "1 weights that are no part of SegFormer"),
        ("decode_head.conv_seg", "no decode_head.conv_seg"),
        ("backbone.layers.2.1.1.attn.attn.in_proj_bias", "no backbone.layers.2.1.1.attn"),
    ],
)
def test_what_is_too_much_or_lacking_is_named(change, words):
    weights = dict(MmsegSegFormer(num_classes=5).state_dict())
    if isinstance(change, dict):
        weights |= change
    else:
        weights = {key: t for key, t in weights.items() if not key.startswith(change)}
    with pytest.raises(MemberError, match=words):
        from_mmseg(weights)
