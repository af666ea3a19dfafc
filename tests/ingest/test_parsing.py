"""From a file to rows: a record is a row, a rejection or skipped; a good chart comes back as it was."""

import csv
import datetime as dt
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ChartcastError, TooLargeError
from app.ingest.content import Budget
from app.ingest.origin import Given
from app.ingest.parsing import parse_chart_file, reject_repeated_days
from app.ingest.rows import MAX_STREAMS
from tests.ingest.chart_files import HEADER, TODAY, build_csv, parse, track_of

NAMES = st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1).map(
    str.strip
)
TRACKS = st.tuples(st.text("abcXYZ019", min_size=22, max_size=22), st.integers(0, MAX_STREAMS), NAMES, NAMES)
CELL = st.sampled_from(
    ["", "1", "2", "ph", "us", "zz", "2020-12-30", "2021-02-30", f"spotify:track:{track_of('A')}"]
)


def _write(rows: list[list[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return f"{HEADER}\n{text.getvalue()}"


@given(
    st.lists(TRACKS, min_size=1, max_size=20, unique_by=lambda track: track[0]),
    st.dates(dt.date(1970, 1, 1), TODAY),
)
def test_a_good_chart_comes_back_as_it_was_written(
    tracks: list[tuple[str, int, str | None, str | None]], day: dt.date
) -> None:
    rows: list[list[object]] = [
        [place, name, artist, streams, track_id, day, "ph"]
        for place, (track_id, streams, name, artist) in enumerate(tracks, start=1)
    ]
    file = parse("x.csv", _write(rows))
    assert not file.rejected
    assert [row[1:] for row in file.rows] == [
        ("ph", day, place, track_id, streams, name or None, artist or None)
        for place, (track_id, streams, name, artist) in enumerate(tracks, start=1)
    ]


@given(st.lists(st.lists(CELL | st.text(max_size=3), min_size=5, max_size=8), min_size=1, max_size=6))
def test_every_record_is_a_row_or_a_rejection_that_names_its_line(rows: list[list[object]]) -> None:
    try:
        file = parse("x.csv", _write(rows))
    except ChartcastError as error:
        assert error.detail.startswith("x.csv: ")  # noqa: PT017  (damage is refused as a whole)
        return
    lines = sorted([row.line for row in file.rows] + [row.line for row in file.rejected])
    assert lines == sorted(set(lines))
    assert all(row.problem and row.field for row in file.rejected)


def test_a_rejection_keeps_what_could_be_read_of_the_row() -> None:
    [rejection] = parse("x.csv", build_csv("2020-12-30", [(7, "A", "abc")])).rejected
    assert rejection[4:] == ("ph", dt.date(2020, 12, 30), 7, track_of("A"))
    [rejection] = parse("x.csv", build_csv("someday", [(0, "A", 5)])).rejected
    assert (rejection.field, rejection[4:]) == ("date", ("ph", None, None, track_of("A")))


def test_a_chart_that_an_earlier_file_has_is_rejected_and_its_other_days_are_not() -> None:
    first = parse("a.csv", build_csv("2020-12-30", [(1, "A", 5)]))
    second = parse(
        "b.csv",
        build_csv("2020-12-30", [(1, "A", 5)]) + build_csv("2020-12-29", [(1, "A", 5)])[len(HEADER) + 1 :],
    )
    kept = reject_repeated_days([first, second])
    assert [(len(file.rows), len(file.rejected)) for file in kept] == [(1, 0), (1, 1)]


def test_rows_are_counted_over_all_files() -> None:
    budget = Budget(unpacked=10_000, rows=3)
    text = build_csv("2020-12-30", [(1, "A", 5), (2, "B", 4)]).encode()
    parse_chart_file("a.csv", text, Given(today=TODAY), budget)
    with pytest.raises(TooLargeError, match="CHARTCAST_MAX_UPLOAD_ROWS"):
        parse_chart_file("b.csv", text, Given(today=TODAY), budget)
