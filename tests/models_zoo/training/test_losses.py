"""Losses against the formulas of their papers, pixel by pixel in numpy."""

import numpy as np
import pytest
import torch

from models_zoo.examples.target import Target
from models_zoo.settings.loss_terms import DEFAULTS, SHORT, parse_loss
from models_zoo.training import losses
from models_zoo.training.losses import segmentation_loss

ALL = (*DEFAULTS, *SHORT)


def _case(exclusive, class_weights=None):
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
        None if class_weights is None else torch.tensor(class_weights),
    )
    return logits, masks, counted, target


def _loss(text, logits, target):
    return float(segmentation_loss(parse_loss(text), torch.tensor(logits), target))


def _near(masks, reach):
    """Pixels with another value of the mask in a square around them, borders left out."""
    near = np.zeros_like(masks)
    for index in np.ndindex(*masks.shape):
        n, c, y, x = index
        around = masks[n, c, max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
        near[index] = around.min() != around.max()
    return near


def _lovasz(scores, truth, error):
    """The loss at the errors as the mean of steps of 1 - IoU, the largest error first."""
    order = np.argsort(-error, kind="stable")
    total, before = 0.0, 0.0
    for count in range(1, len(order) + 1):
        wrong = np.zeros(len(order), bool)
        wrong[order[:count]] = True
        predicted = np.where(wrong, 1 - truth, truth)
        union = ((predicted + truth) > 0).sum()
        loss = 1 - (predicted * truth).sum() / union if union else 0.0
        total += max(error[order[count - 1]], 0) * (loss - before)
        before = loss
    return total


def _plain(logits, masks, counted, exclusive, weights=(1.0, 1.0, 1.0)):
    """Every term, as the papers write it."""
    weights = np.array(weights)
    if exclusive:
        probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        truth = (probs * masks).sum(1, keepdims=True)
        weight = counted * (masks * weights[:, None, None]).sum(1, keepdims=True)
    else:
        probs = 1 / (1 + np.exp(-logits))
        truth = np.where(masks == 1, probs, 1 - probs)
        weight = counted * np.broadcast_to(weights[:, None, None], masks.shape)
    near = _near(masks, 1).max(1, keepdims=True) if exclusive else _near(masks, 1)
    around = weight * (1 + 3 * near)
    axes = None if exclusive else (0, 2, 3)
    by_class = np.average(-np.log(truth), weights=around, axis=axes)
    by_boundary = by_class if exclusive else np.average(by_class, weights=weights)
    dice, tversky, lovasz = [], [], []
    for c in range(masks.shape[1]):
        here = counted[:, 0]
        p, t, score = probs[:, c][here], masks[:, c][here], logits[:, c][here]
        hit = (p * t).sum()
        dice.append(1 - (2 * hit + 1) / (p.sum() + t.sum() + 1))
        extra, missed = (p * (1 - t)).sum(), ((1 - p) * t).sum()
        tversky.append(1 - (hit + 0.5) / (hit + 0.3 * extra + 0.7 * missed + 0.5))
        error = np.abs(t - p) if exclusive else 1 - score * (2 * t - 1)
        lovasz.append(_lovasz(score, t, error))
    return {
        "bce": np.average(-np.log(truth), weights=weight),
        "focal": np.average((1 - truth) ** 2 * -np.log(truth), weights=weight),
        "focal=1.5": np.average((1 - truth) ** 1.5 * -np.log(truth), weights=weight),
        "boundary=1:4": by_boundary,
        "dice": np.average(dice, weights=weights),
        "tversky": np.average(tversky, weights=weights),
        "lovasz": np.average(lovasz, weights=weights),
    }


@pytest.mark.parametrize("weights", [None, (1.0, 3.0, 0.5)])
@pytest.mark.parametrize("exclusive", [False, True])
def test_losses_are_the_formulas(exclusive, weights):
    logits, masks, counted, target = _case(exclusive, weights)
    plain = _plain(logits, masks, counted, exclusive, weights or (1.0, 1.0, 1.0))

    for text, expected in plain.items():
        assert _loss(text, logits, target) == pytest.approx(expected, rel=1e-5), text
    total = plain["bce"] + plain["dice"]
    assert _loss("bce_dice", logits, target) == pytest.approx(total, rel=1e-5)
    total = plain["focal"] + 0.5 * plain["tversky"] + 2 * plain["lovasz"]
    written = "focal=2 + 0.5*tversky=0.3:0.7 + 2 * lovasz"
    assert _loss(written, logits, target) == pytest.approx(total, rel=1e-5)


def test_a_class_that_an_exclusive_batch_does_not_show_is_left_out_of_lovasz():
    logits, masks, counted, target = _case(True)
    shown = np.concatenate([masks[:, :2], np.zeros_like(masks[:, :1])], axis=1)
    shown[:, 0] += masks[:, 2]
    target = Target(torch.tensor(shown).float(), target.counted, True)
    probs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    here = counted[:, 0]
    expected = [
        _lovasz(None, shown[:, c][here], np.abs(shown[:, c] - probs[:, c])[here]) for c in (0, 1)
    ]
    assert _loss("lovasz", logits, target) == pytest.approx(np.mean(expected), rel=1e-5)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("at_once", [1, 150, 10**6])
@pytest.mark.parametrize("name", ALL)
def test_parts_of_overlapping_classes_are_the_whole(name, at_once, layout, monkeypatch):
    values, _, _, target = _case(False, (1.0, 3.0, 0.5))
    plain = torch.tensor(values, dtype=torch.float32, requires_grad=True)
    whole = losses._sum(parse_loss(name), plain, target)
    (2 * whole).backward()
    monkeypatch.setattr(losses, "_AT_ONCE_ON_CPU", at_once)
    logits = torch.tensor(values, dtype=torch.float32).contiguous(memory_format=layout)
    logits.requires_grad_()

    loss = segmentation_loss(parse_loss(name), logits, target)
    (2 * loss).backward()

    np.testing.assert_array_equal(logits.detach().numpy(), values.astype(np.float32))
    assert float(loss.detach()) == pytest.approx(float(whole.detach()), rel=1e-6)
    torch.testing.assert_close(logits.grad, plain.grad, rtol=1e-5, atol=1e-8)


def test_gradients_have_the_type_of_the_logits_and_are_given_once():
    values, _, _, target = _case(False)
    logits = torch.tensor(values).bfloat16().requires_grad_()
    loss = segmentation_loss(parse_loss("bce_dice"), logits, target)
    loss.backward(retain_graph=True)
    assert logits.grad.dtype == torch.bfloat16
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_ignored_pixels_have_no_gradient(exclusive, name):
    values, _, counted, target = _case(exclusive)
    logits = torch.tensor(values, requires_grad=True)

    segmentation_loss(parse_loss(name), logits, target).backward()

    where = np.broadcast_to(counted, values.shape)
    assert (logits.grad.numpy()[~where] == 0).all()
    assert (logits.grad.numpy()[where] != 0).any()


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_low_precision_logits_are_summed_in_float32(exclusive, name):
    values, _, _, target = _case(exclusive)
    logits = torch.tensor(values).bfloat16()

    terms = parse_loss(name)
    loss = segmentation_loss(terms, logits, target)

    assert loss.dtype == torch.float32
    assert float(loss) == float(segmentation_loss(terms, logits.float(), target))
    assert torch.isfinite(segmentation_loss(terms, logits * 1e4, target))


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("name", ["bce", "focal", "boundary", "lovasz"])
def test_nothing_counted_is_no_loss_but_no_nan(exclusive, name):
    values, masks, _, _ = _case(exclusive)
    target = Target(torch.tensor(masks).float(), torch.zeros(2, 1, 5, 7), exclusive)
    logits = torch.tensor(values, requires_grad=True)

    loss = segmentation_loss(parse_loss(name), logits, target)
    loss.backward()

    assert float(loss.detach()) == pytest.approx(0, abs=1e-6)
    assert (logits.grad == 0).all()


@pytest.mark.parametrize("name", ALL)
def test_classes_without_a_pixel_have_a_finite_gradient(name):
    target = Target(torch.zeros(2, 3, 5, 7), torch.ones(2, 1, 5, 7), False)
    logits = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    logits.requires_grad_()

    segmentation_loss(parse_loss(name), logits, target).backward()

    assert torch.isfinite(logits.grad).all()
    assert (logits.grad >= 0).all()  # towards no pixel at all


@pytest.mark.parametrize("text", ["focal=0.5", "focal", "focal=0", "bce", "dice", "lovasz"])
@pytest.mark.parametrize("exclusive", [False, True])
def test_pixels_that_are_surely_right_or_wrong_have_finite_gradients(text, exclusive):
    _, _, _, target = _case(exclusive)
    logits = (200 * (target.masks - 0.5)).requires_grad_()
    with torch.no_grad():
        logits[0, :, 0] *= -1
    segmentation_loss(parse_loss(text), logits, target).backward()
    assert torch.isfinite(logits.grad).all()
