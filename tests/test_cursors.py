"""Cursors come back as they were written; what we did not write is refused."""

import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cursors import decode_cursor, decode_day, decode_number, encode_cursor
from app.errors import InvalidRequestError


@given(st.dates(), st.integers(min_value=0, max_value=2**63 - 1))
def test_a_cursor_comes_back_as_written(day: dt.date, number: int) -> None:
    first, second, third = decode_cursor(encode_cursor(day, number, "x"), 3)
    assert (decode_day(first), decode_number(second), third) == (day, number, "x")


@given(st.text(max_size=40))
def test_any_other_text_is_refused_or_has_the_form_of_a_cursor(text: str) -> None:
    with contextlib.suppress(InvalidRequestError):
        assert len(decode_cursor(text, 2)) == 2


@pytest.mark.parametrize("text", ["", "-1", "9" * 20, str(2**63), "1.0", "²"])
def test_a_number_that_the_store_cannot_compare_with_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        decode_number(text)
