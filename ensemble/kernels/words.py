"""Bits of machine words."""

import numba
import numpy as np


def lowest_bit(word: np.uint64) -> int:
    """The place of the lowest set bit of a word that is not 0."""
    return (int(word) & -int(word)).bit_length() - 1


@numba.extending.intrinsic
def _count_trailing_zeros(context, word):  # type: ignore[no-untyped-def]
    """The instruction; `context` and the nested function are how numba asks for it."""
    del context

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        del signature
        is_zero_undefined = context.get_constant(numba.types.boolean, True)
        return builder.cttz(arguments[0], is_zero_undefined)

    return numba.types.int64(numba.types.uint64), generate


@numba.extending.overload(lowest_bit)
def _compiled_lowest_bit(word):  # type: ignore[no-untyped-def]
    del word
    return lambda word: _count_trailing_zeros(word)
