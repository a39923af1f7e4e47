import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import reference
from ensemble.errors import RleError
from ensemble.runs.rle import (
    RleFormat,
    area,
    check_runs,
    decode,
    empty_runs,
    encode,
    encode_packed,
    format_pairs,
    format_rle,
    parse_pairs,
    parse_rle,
    reorder,
    transpose,
)
from strategies import masks, packed_words

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
    assert_array_equal(transpose(encode(mask), mask.shape), encode(mask.T))


@given(masks(), orders, bases)
def test_strings_equal_the_plain_walk_over_the_pixels(mask, order, base):
    text = format_rle(encode(mask), mask.shape, order=order, base=base)
    assert text == reference.rle_string(mask, order=order, base=base)


@given(masks(), orders, bases)
def test_parse_inverts_format(mask, order, base):
    runs = encode(mask)
    text = format_rle(runs, mask.shape, order=order, base=base)
    assert_array_equal(parse_rle(text, mask.shape, order=order, base=base), runs)


@given(masks(), orders, bases)
def test_a_format_parses_what_it_formats(mask, order, base):
    written, runs = RleFormat(order, base), encode(mask)
    text = written.format(runs, mask.shape)
    assert text == reference.rle_string(mask, order=order, base=base)
    assert_array_equal(written.parse(text, mask.shape), runs)


@given(masks(), orders, orders)
def test_reordered_runs_are_those_of_the_mask_in_that_order(mask, old, new):
    runs = reorder(encode(mask, order=old), mask.shape, old, new)
    assert_array_equal(runs, encode(mask, order=new))


@given(masks(), orders, st.sampled_from([1, 7, 255]), st.booleans())
def test_encode_reads_bool_and_uint8_in_either_memory_order(mask, order, value, fortran):
    expected = encode(mask if order == "row" else mask.T)
    for pixels in (mask, mask.astype(np.uint8) * np.uint8(value)):
        memory = np.asfortranarray(pixels) if fortran else pixels
        assert_array_equal(encode(memory, order=order), expected)


def test_encode_takes_any_value_but_0_for_foreground():
    """Also where the value changes inside of a run, and over more words than are looked at once."""
    values = np.random.default_rng(0).integers(0, 256, (61, 97)).astype(np.uint8)
    values[10:50] = values[10:50] // 2 + 1
    values[30:40] = 128
    assert_array_equal(encode(values), encode(values != 0))


def test_encode_reads_views_of_memory():
    mask = np.random.default_rng(0).random((9, 14)) < 0.5
    for view in (mask[:, ::-1], mask[1:, 1:], mask.T[::2], np.broadcast_to(mask[0], (5, 14))):
        assert_array_equal(encode(view), encode(view.copy()))


@pytest.mark.parametrize("edge", [0, 63, 64, 511, 512, 2047, 2048, 4095, 4096, 16383, 16384])
def test_runs_may_start_and_end_at_every_edge_of_what_is_looked_at_at_once(edge):
    flat = np.zeros((1, 3 * 16384), bool)
    flat[0, edge:] = True
    runs = [[edge, flat.size - edge]]
    assert encode(flat).tolist() == runs
    assert encode_packed(packed_words(flat), flat.shape).tolist() == runs
    assert encode(~flat).tolist() == ([[0, edge]] if edge else [])
    assert encode_packed(packed_words(~flat), flat.shape).tolist() == ([[0, edge]] if edge else [])


@given(masks(), orders, orders)
def test_packed_masks_have_the_runs_of_their_masks(mask, packed, order):
    words = packed_words(mask if packed == "row" else mask.T)
    runs = encode_packed(words, mask.shape, packed=packed, order=order)
    assert_array_equal(runs, encode(mask, order=order))


@pytest.mark.parametrize("last", [True, False])
def test_padding_of_packed_masks_may_hold_anything(last):
    mask = np.zeros((3, 25), bool)
    mask[2, -5:] = last
    words = packed_words(mask)
    words[-1] |= np.uint64(0xFFFFFFFFFFFFFFFF) << np.uint64(75 - 64)
    assert_array_equal(encode_packed(words, mask.shape), encode(mask))


@pytest.mark.parametrize("mask", [np.zeros(3, bool), np.zeros((2, 2)), np.zeros((1, 2, 2), bool)])
def test_other_arrays_are_no_masks(mask):
    with pytest.raises(RleError, match=r"expected \(H, W\) of bool or uint8"):
        encode(mask)


@pytest.mark.parametrize("words", [np.zeros(1, np.uint64), np.zeros(2, np.int64)])
def test_other_arrays_are_no_packed_masks(words):
    with pytest.raises(RleError, match=r"mask of 13 x 5: expected \(2,\) of uint64"):
        encode_packed(words, (5, 13))


@given(masks(), bases)
def test_pairs_keep_the_order_of_the_runs_and_need_no_size(mask, base):
    columns = encode(mask, order="column")
    text = format_pairs(columns, base=base)
    assert text == reference.rle_string(mask, order="column", base=base)
    assert_array_equal(parse_pairs(text, base=base), columns)


def test_numbers_of_every_length_are_written():
    numbers = [10**power + extra for power in range(16) for extra in (-1, 0, 7)]
    runs = np.array([[number, number + 1] for number in numbers], np.int64)
    assert format_pairs(runs, base=1) == " ".join(f"{n + 1} {n + 1}" for n in numbers)


def test_a_run_may_end_at_the_last_pixel():
    assert decode(parse_rle("10 3", (3, 4)), (3, 4)).reshape(-1)[-3:].all()


def test_touching_runs_are_joined():
    assert parse_rle("1 2 3 4", (2, 4)).tolist() == [[0, 6]]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("1 2 3", "pairs of start and length: expected an even count, got 3 numbers"),
        ("1 -2", "a negative number: .*got '-2'"),
        ("-1", "a word for an empty mask: expected an empty field, got '-1'"),
        ("nan", "a word for an empty mask"),
        (" N/A", "a word for an empty mask"),
        ("NaN", "a word for an empty mask"),
        ("1 x", "no number of a pixel: expected whole numbers .*got 'x'"),
        ("1  \ud55c 2", "got '\ud55c'"),
        ("1.5 2", "got '1.5'"),
        ("1\t2", "no number of a pixel"),
        ("1 99999999999999999999", "no number of a pixel"),
        ("0 5", "run 1 of 1 starts before the first pixel"),
        ("1 0", "run 1 of 1 is empty"),
        ("1 1 5 3 4 2", "run 3 of 3 is out of order"),
        ("5 3 6 2", "run 2 of 2 overlaps the run before it .*expected from 7 on"),
        ("12 2", "run 1 of 1 ends past the last pixel .*expected inside 0..11"),
    ],
)
def test_malformed_strings_are_refused(text, what):
    with pytest.raises(RleError, match=what):
        parse_rle(text, (3, 4))


def test_an_empty_string_is_an_empty_mask():
    assert not decode(parse_rle("", (3, 4)), (3, 4)).any()
    assert format_rle(encode(np.zeros((3, 4), bool)), (3, 4)) == ""


@pytest.mark.parametrize("size", [(0, 3), (3, 0), (0, 0)])
def test_masks_without_pixels(size):
    mask = np.zeros(size, bool)
    assert_array_equal(encode(mask), empty_runs())
    assert_array_equal(encode(np.asfortranarray(mask), order="column"), empty_runs())
    assert_array_equal(transpose(empty_runs(), size), empty_runs())
    assert_array_equal(decode(empty_runs(), size), mask)


def test_runs_outside_of_the_image_are_not_transposed():
    with pytest.raises(RleError, match="past the last pixel"):
        transpose(np.array([[100, 1]]), (3, 4))
    with pytest.raises(RleError):
        format_rle(np.array([[100, 1]]), (3, 4), order="column")


def test_runs_that_touch_are_transposed_as_one():
    touching = np.array([[0, 1], [1, 1], [2, 1], [3, 1]])
    assert transpose(touching, (1, 4)).tolist() == [[0, 4]]
