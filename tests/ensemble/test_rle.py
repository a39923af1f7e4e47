import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from ensemble.errors import RleError
from ensemble.rle import area, check_runs, decode, encode, format_rle, parse_rle, transpose
from strategies import masks

pytestmark = pytest.mark.kernel
orders = st.sampled_from(["row", "column"])
bases = st.sampled_from([0, 1])


@given(masks())
def test_decode_inverts_encode_and_runs_are_canonical(mask):
    runs = encode(mask)
    check_runs(runs, mask.shape)
    assert (decode(runs, mask.shape) == mask).all()
    assert area(runs) == mask.sum()
    assert (runs[1:, 0] > runs[:-1].sum(1)).all()


@given(masks())
def test_transposed_runs_are_the_runs_of_the_transposed_mask(mask):
    assert (transpose(encode(mask), mask.shape) == encode(mask.T)).all()


@given(masks(), orders, bases)
def test_strings_equal_the_plain_walk_over_the_pixels(mask, order, base):
    text = format_rle(encode(mask), mask.shape, order=order, base=base)
    assert text == reference.rle_string(mask, order=order, base=base)


@given(masks(), orders, bases)
def test_parse_inverts_format(mask, order, base):
    runs = encode(mask)
    text = format_rle(runs, mask.shape, order=order, base=base)
    assert (parse_rle(text, mask.shape, order=order, base=base) == runs).all()


def test_encode_reads_a_mask_in_any_memory_order():
    mask = np.random.default_rng(0).random((9, 14)) < 0.5
    assert (encode(np.asfortranarray(mask)) == encode(mask)).all()
    assert (encode(mask[:, ::-1]) == encode(mask[:, ::-1].copy())).all()


def test_a_run_may_end_at_the_last_pixel():
    assert decode(parse_rle("10 3", (3, 4)), (3, 4)).reshape(-1)[-3:].all()


def test_touching_runs_are_joined():
    assert parse_rle("1 2 3 4", (2, 4)).tolist() == [[0, 6]]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("1 2 3", "pairs"),
        ("1 -2", "whole numbers"),
        ("-1", "whole numbers"),
        ("nan", "whole numbers"),
        ("1.5 2", "whole numbers"),
        ("1 99999999999999999999", "whole numbers"),
        ("0 5", "run 1 of 1"),
        ("1 0", "run 1 of 1"),
        ("5 3 4 2", "run 2 of 2"),
        ("5 3 6 2", "run 2 of 2"),
        ("12 2", "run 1 of 1"),
    ],
)
def test_malformed_strings_are_refused(text, what):
    with pytest.raises(RleError, match=what):
        parse_rle(text, (3, 4))


def test_an_empty_string_is_an_empty_mask():
    assert not decode(parse_rle("", (3, 4)), (3, 4)).any()
    assert format_rle(encode(np.zeros((3, 4), bool)), (3, 4)) == ""
