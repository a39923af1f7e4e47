"""Whatever the bytes of a file are, they are judged and never break the judge."""

from __future__ import annotations

import pytest
from encoded_images import damaged_images, encoded_images
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ensemble.images.containers import find_fault
from ensemble.images.header import stated_size


def judge(data):
    fault = find_fault(data)
    assert fault is None or (fault and "\n" not in fault)
    if fault is None:
        size = stated_size(data)
        assert size is None or min(size) > 0


@given(damaged_images())
@settings(max_examples=1000, deadline=None)
def test_damaged_files(data):
    judge(data)


@given(
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"BM", b"II*\0", b"MM\0+"]), st.data()
)
@example(b"II+\0" + b"\xff" * 30, None)
def test_any_bytes_behind_a_signature(start, data):
    judge(start + (data.draw(st.binary(max_size=200)) if data else b""))


@pytest.mark.parametrize("kind", sorted(encoded_images()))
def test_whole_files_have_no_fault_and_no_piece_of_them_breaks(kind):
    data = encoded_images()[kind]
    assert find_fault(data) is None
    for length in range(0, len(data), 3):
        judge(data[:length])
