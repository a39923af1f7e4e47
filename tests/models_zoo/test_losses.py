import numpy as np
import pytest
import torch

from models_zoo.losses import FOCAL_GAMMA, Target, segmentation_loss


def _case(exclusive):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (2, 3, 5, 7))
    counted = rng.random((2, 1, 5, 7)) < 0.7
    if exclusive:
        masks = np.eye(3)[rng.integers(0, 3, (2, 5, 7))].transpose(0, 3, 1, 2)
    else:
        masks = (rng.random((2, 3, 5, 7)) < 0.4).astype(float)
    target = Target(
        torch.tensor(masks, dtype=torch.float32),
        torch.tensor(counted, dtype=torch.float32),
        exclusive,
    )
    return logits, masks, counted, target


def _plain(logits, masks, counted, exclusive):
    """Cross entropy, focal and Dice, pixel by pixel as the papers write them."""
    if exclusive:
        probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        truth = (probs * masks).sum(1, keepdims=True)
        kept = counted
    else:
        probs = 1 / (1 + np.exp(-logits))
        truth = np.where(masks == 1, probs, 1 - probs)
        kept = np.broadcast_to(counted, masks.shape)
    entropy = -np.log(truth[kept]).mean()
    focal = ((1 - truth[kept]) ** FOCAL_GAMMA * -np.log(truth[kept])).mean()
    dice = []
    for c in range(masks.shape[1]):
        p, t = probs[:, c][counted[:, 0]], masks[:, c][counted[:, 0]]
        dice.append(1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1))
    return {"bce": entropy, "focal": focal, "dice": np.mean(dice)}


@pytest.mark.parametrize("exclusive", [False, True])
def test_losses_are_the_formulas(exclusive):
    logits, masks, counted, target = _case(exclusive)
    plain = _plain(logits, masks, counted, exclusive)

    def loss(name):
        return float(segmentation_loss(name, torch.tensor(logits), target))

    assert loss("bce") == pytest.approx(plain["bce"], rel=1e-5)
    assert loss("dice") == pytest.approx(plain["dice"], rel=1e-5)
    assert loss("bce_dice") == pytest.approx(plain["bce"] + plain["dice"], rel=1e-5)
    assert loss("focal_dice") == pytest.approx(plain["focal"] + plain["dice"], rel=1e-5)


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("name", ["bce_dice", "focal_dice"])
def test_ignored_pixels_have_no_gradient(exclusive, name):
    values, _, counted, target = _case(exclusive)
    logits = torch.tensor(values, requires_grad=True)

    segmentation_loss(name, logits, target).backward()

    where = np.broadcast_to(counted, values.shape)
    assert (logits.grad.numpy()[~where] == 0).all()
    assert (logits.grad.numpy()[where] != 0).any()


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("name", ["bce_dice", "focal_dice"])
def test_low_precision_logits_are_summed_in_float32(exclusive, name):
    values, _, _, target = _case(exclusive)
    logits = torch.tensor(values).bfloat16()

    loss = segmentation_loss(name, logits, target)

    assert loss.dtype == torch.float32
    assert float(loss) == float(segmentation_loss(name, logits.float(), target))
    assert torch.isfinite(segmentation_loss(name, logits * 1e4, target))


def test_nothing_counted_is_no_loss_but_no_nan():
    _, masks, _, _ = _case(False)
    target = Target(torch.tensor(masks).float(), torch.zeros(2, 1, 5, 7), False)

    assert float(segmentation_loss("bce_dice", torch.zeros(2, 3, 5, 7), target)) == 0
