"""From bytes to records: packing, encoding, line ends, limits."""

import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ChartcastError, InvalidRequestError, TooLargeError, UnsupportedFormatError
from app.ingest.content import Budget, read_records

# What a cell may hold: anything of UTF-8 but NUL. A carriage return comes back as a line feed.
CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)


def _read(content: bytes, unpacked: int = 10_000_000) -> list[tuple[int, list[str]]]:
    return list(read_records("x.csv", content, Budget(unpacked=unpacked, rows=0)))


@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_every_record_comes_back_with_the_line_it_starts_on(records: list[list[str]], end: str) -> None:
    wanted, text = [], "header\n"
    for record in records:
        # Only what looks like the start of another kind of file would be refused; hence the header.
        if "".join(record).strip():
            wanted.append((text.count("\n") + 1, record))
        row = io.StringIO()
        csv.writer(row, lineterminator=end, quoting=csv.QUOTE_ALL).writerow(record)
        text += row.getvalue()
    assert _read(text.encode()) == [(1, ["header"]), *wanted]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_words(content: bytes) -> None:
    try:
        records = _read(content)
    except (UnsupportedFormatError, InvalidRequestError):
        return
    assert [line for line, _ in records] == sorted({line for line, _ in records})


def test_gzip_is_known_by_its_content_in_any_number_of_members() -> None:
    packed = gzip.compress(b"a,b\n1,") + gzip.compress(b"2\n")
    assert _read(packed) == [(1, ["a", "b"]), (2, ["1", "2"])]


def test_a_byte_order_mark_is_no_part_of_the_header() -> None:
    assert _read(b"\xef\xbb\xbfrank\n1\n") == [(1, ["rank"]), (2, ["1"])]


def test_a_carriage_return_alone_ends_a_line_too() -> None:
    assert _read(b"a,b\r1,2\r3,4\r") == [(1, ["a", "b"]), (2, ["1", "2"]), (3, ["3", "4"])]


def test_blank_lines_and_rows_of_commas_are_left_out_and_counted() -> None:
    assert _read(b"a,b\n\n  \n,\n1,2") == [(1, ["a", "b"]), (5, ["1", "2"])]


def test_unpacking_stops_at_the_limit() -> None:
    with pytest.raises(TooLargeError, match="CHARTCAST_MAX_UNPACKED_BYTES"):
        _read(gzip.compress((b"x" * 1000 + b"\n") * 3000), unpacked=2**20)


@pytest.mark.parametrize("cut", [5, 30, -4])
def test_gzip_that_is_cut_off_or_damaged_is_refused(cut: int) -> None:
    with pytest.raises(UnsupportedFormatError, match="gzip data is damaged"):
        _read(gzip.compress(b"a,b\n1,2\n" * 100)[:cut])


def test_gzip_within_gzip_is_refused() -> None:
    with pytest.raises(UnsupportedFormatError, match="pack it once"):
        _read(gzip.compress(gzip.compress(b"a,b\n")))


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html>", b"\n  <html>", b"\xef\xbb\xbf<HTML>", gzip.compress(b"<html>", mtime=0)]
)
def test_a_page_saved_as_csv_is_called_one(page: bytes) -> None:
    with pytest.raises(UnsupportedFormatError, match="HTML page"):
        _read(page)


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(ChartcastError, match="line 2 is over a million bytes"):
        _read(b"a\n" + b"x" * 3_000_000)


def test_a_cell_over_what_csv_takes_is_refused_with_its_line() -> None:
    with pytest.raises(ChartcastError, match="line 2 is not CSV"):
        _read(b"a\n" + b"x" * 200_000 + b"\n")
