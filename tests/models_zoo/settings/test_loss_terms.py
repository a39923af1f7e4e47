import re

import pytest

from models_zoo.settings.loss_terms import LossTerm, parse_loss


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("bce", [(1.0, "bce", ())]),
        ("bce_dice", [(1.0, "bce", ()), (1.0, "dice", ())]),
        ("focal_dice", [(1.0, "focal", (2.0,)), (1.0, "dice", ())]),
        ("bce+0.5*lovasz", [(1.0, "bce", ()), (0.5, "lovasz", ())]),
        ("2 * tversky=0.2:0.8 + focal=3", [(2.0, "tversky", (0.2, 0.8)), (1.0, "focal", (3.0,))]),
        ("1e-2*boundary=4:2", [(0.01, "boundary", (4.0, 2.0))]),
    ],
)
def test_a_loss_is_a_sum_of_terms(text, terms):
    assert parse_loss(text) == tuple(LossTerm(*term) for term in terms)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no loss ''"),
        ("bse", "has no loss 'bse': a sum of bce, focal, boundary"),
        ("bce +", "has no loss ''"),
        ("bce_dice + lovasz", "has no loss 'bce_dice'"),
        ("-1*bce", "has no loss"),
        ("0*bce", "must count something"),
        ("tversky=0:0", "must count something"),
        ("tversky=0.5", "tversky has 2 values and not 1"),
        ("bce=1", "bce has 0 values and not 1"),
        ("focal=1.2.3", "has no number"),
        ("focal=1:", "has no number"),
        ("1e999*bce", "finite numbers, in '1e999"),
        (f"bce + focal={10**400}", "finite numbers, in 'focal=1000"),
        (f"tversky=0.5:{10**400}", "finite numbers, in 'tversky=0.5:1000"),
        ("boundary=0:5", "radius of whole pixels"),
        ("boundary=1.5:5", "radius of whole pixels"),
        ("boundary=3:0.5", "radius of whole pixels"),
    ],
)
def test_what_is_wrong_with_a_loss_is_said(text, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        parse_loss(text)
