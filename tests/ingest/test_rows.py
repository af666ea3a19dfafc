"""How cells are read: whole numbers, days, ids, and nothing that merely looks like them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingest.rows import MAX_STREAMS, parse_chart_day, parse_name, parse_position, parse_whole_number


@given(st.integers(0, MAX_STREAMS))
def test_a_whole_number_is_read_in_each_of_its_forms(number: int) -> None:
    for text in (f"{number}", f"{number}.0", f"{number:,}", f" {number} "):
        assert parse_whole_number(text) == number


@given(st.text(max_size=8))
def test_no_other_text_is_a_whole_number(text: str) -> None:
    try:
        number = parse_whole_number(text)
    except ValueError:
        return
    assert text.isascii()
    assert number == float(text.replace(",", ""))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "1.5",
        "-1",
        "+1",
        "-0",
        "1e5",
        "1e308",
        "NaN",
        "inf",
        "１２３",
        "1,23",
        "12,34",
        "1 234",
        "0x1",
        "1_0",
    ],
)
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is (missing|not a whole number)"):
        parse_whole_number(text)


@pytest.mark.parametrize("text", [str(MAX_STREAMS + 1), "9" * 18])
def test_more_streams_than_a_day_can_hold_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="more than a day can hold"):
        parse_whole_number(text)


def test_digits_without_end_are_refused() -> None:
    with pytest.raises(ValueError, match="not a whole number"):
        parse_whole_number("9" * 10_000)


@pytest.mark.parametrize("text", ["0", "1001"])
def test_a_position_outside_the_chart_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="outside 1 to 1000"):
        parse_position(text)


@given(st.dates(dt.date(1970, 1, 1), dt.date(2020, 12, 31)))
def test_every_day_up_to_today_is_a_chart_day(day: dt.date) -> None:
    assert parse_chart_day(day.isoformat(), dt.date(2020, 12, 31)) == day


@pytest.mark.parametrize(
    "text",
    ["", "2020-02-30", "20200101", "1577836800", "2020-1-1", "2020-01-01T00:00", "2020-W01-1", "0001-01-01"],
)
def test_what_is_no_chart_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"missing|is not a date|before there were"):
        parse_chart_day(text, dt.date(2020, 12, 31))


def test_tomorrow_is_the_future_and_today_is_not() -> None:
    today = dt.date(2020, 12, 31)
    assert parse_chart_day("2020-12-31", today) == today
    with pytest.raises(ValueError, match="in the future"):
        parse_chart_day("2021-01-01", today)


def test_a_name_that_is_not_there_is_null() -> None:
    assert [parse_name("  "), parse_name(""), parse_name(" =1+1 ")] == [None, None, "=1+1"]
