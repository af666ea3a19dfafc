"""Metadata files: what is taken, what is refused, and where."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.config import Settings
from app.errors import ChartcastError, InvalidRequestError, TooLargeError, UnsupportedFormatError
from app.tracks.features import Features, parse_release_date
from app.tracks.metadata import MetadataFile, parse_metadata
from app.uploads import Upload
from tests.charts_in_store import track_id_of

A, B = track_id_of("a"), track_id_of("b")
LIMITS = Settings(_env_file=None)  # type: ignore[call-arg]


def _parse(text: str | bytes, **limits: int) -> MetadataFile:
    data = text.encode() if isinstance(text, str) else text
    return parse_metadata(Upload("m.csv", data), LIMITS.model_copy(update=limits))


def test_columns_go_by_name_and_the_unknown_are_named() -> None:
    file = _parse(
        f"\ufeffPopularity,Duration, energy ,track_id,album_id\n76,261240,0.5,spotify:track:{A},x\n"
    )
    assert file.tracks == {A: {"duration_ms": 261240, "energy": 0.5}}
    assert list(file.ignored_columns) == ["Popularity", "album_id"]


def test_json_takes_the_same_names() -> None:
    items: list[dict[str, Any]] = [{"track_id": A, "duration": 5, "key": -1, "mode": None, "uri": "u"}]
    file = _parse(json.dumps(items))
    assert file.tracks == {A: {"duration_ms": 5, "key": -1}}
    assert list(file.ignored_columns) == ["uri"]


def test_a_file_is_unpacked_by_its_content() -> None:
    assert _parse(gzip.compress(f"track_id,key\n{A},5\n".encode())).tracks == {A: {"key": 5}}
    assert _parse(gzip.compress(json.dumps([{"track_id": A, "key": 5}]).encode())).tracks == {A: {"key": 5}}


def test_empty_cells_give_nothing_and_rows_of_one_track_are_merged() -> None:
    file = _parse(f"track_id,key,mode,tempo\n{A},5,, \n{A},,1,\n{B},,,\n")
    assert file.tracks == {A: {"key": 5, "mode": 1}, B: {}}
    assert (file.rows, file.rejected) == (3, 0)


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [
        ("danceability", ["0", "1", "1e-3"], ["-0.001", "1.001", "nan", "inf", "x", "0_1", "0,5"]),
        ("valence", ["0.5"], ["2"]),
        ("key", ["-1", "11", "5.0"], ["-2", "12", "5.5"]),
        ("loudness", ["-60", "5"], ["-60.1", "5.1"]),
        ("mode", ["0", "1"], ["2", "true"]),
        ("tempo", ["0", "300"], ["-1", "301"]),
        ("duration_ms", ["1", "2147483647"], ["0", "2147483648", "1e5"]),
        ("time_signature", ["0", "7"], ["-1", "8"]),
        (
            "release_date",
            ["2016", "2016-11", "2020-02-29"],
            ["16", "2016-13", "2021-02-29", "2016.0", "1/2/2016"],
        ),
    ],
)
def test_each_feature_has_its_range(column: str, good: list[str], bad: list[str]) -> None:
    for value in good:
        assert _parse(f'track_id,{column}\n{A},"{value}"\n').rejected == 0, value
    for value in bad:
        file = _parse(f'track_id,{column}\n{A},"{value}"\n')
        assert [(row.line, row.field, row.value) for row in file.rejected_rows] == [(2, column, value)]
        assert file.tracks == {}


def test_a_bad_row_is_named_by_the_line_it_starts_on_and_the_good_stay() -> None:
    text = f'track_id,track_name,key\n{A},"two\nlines",1\n\nshort,x,1\n{B},y\n{B},z,99\n'
    file = _parse(text)
    assert file.tracks == {A: {"track_name": "two\nlines", "key": 1}}
    assert [(row.line, row.field) for row in file.rejected_rows] == [(5, "track_id"), (6, "row"), (7, "key")]
    assert (file.rows, file.rejected) == (4, 3)


def test_every_fault_of_a_row_is_listed_but_the_row_counts_once() -> None:
    file = _parse(f"track_id,key,mode\n{A},99,7\n")
    assert [row.field for row in file.rejected_rows] == ["key", "mode"]
    assert file.rejected == 1


def test_json_items_that_are_no_rows_are_rejected_by_their_number() -> None:
    items = [3, {"key": 1}, {"track_id": A, "mode": True}, {"track_id": A, "track_name": "a\0"}]
    items += [{"track_id": A, "tempo": float("nan")}, {"track_id": A, "key": 10**400}, {"track_id": [1]}]
    file = _parse(json.dumps(items))
    assert [row.line for row in file.rejected_rows] == [1, 2, 3, 4, 5, 6, 7]
    assert file.tracks == {}


def test_only_the_first_hundred_bad_rows_are_listed() -> None:
    file = _parse("track_id,key\n" + "bad,1\n" * 150)
    assert (file.rejected, len(file.rejected_rows)) == (150, 100)


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        (b"", InvalidRequestError, "empty"),
        (b" \n", InvalidRequestError, "empty"),
        (b"<!DOCTYPE html><html></html>", UnsupportedFormatError, "HTML"),
        (b"title,key\nx,1\n", UnsupportedFormatError, "needs a track_id"),
        (b"track_id,popularity\nx,1\n", UnsupportedFormatError, "at least one of danceability"),
        (
            b"track_id,duration,duration_ms\nx,1,1\n",
            InvalidRequestError,
            "more than one column for duration_ms",
        ),
        (b'{"track_id": "x"}', InvalidRequestError, "send a list"),
        (b"[1,", InvalidRequestError, "not valid JSON"),
        (b"[" * 100_000, InvalidRequestError, "not valid JSON"),
        (b"[" + b"9" * 5_000 + b"]", InvalidRequestError, "not valid JSON"),
        (b'[{"key": 1, "key": 2}]', InvalidRequestError, "has the key 'key' twice"),
        (b'[{"duration": 1, "Duration_ms": 2}]', InvalidRequestError, "more than one duration_ms"),
        (b"\n" * 5_000, InvalidRequestError, "empty"),
        (gzip.compress(b"track_id,key\n", mtime=0)[:-6], UnsupportedFormatError, "gzip"),
        (b"\x1f\x8bnonsense", UnsupportedFormatError, "gzip"),
    ],
)
def test_what_is_no_metadata_file_is_refused(data: bytes, error: type[ChartcastError], says: str) -> None:
    with pytest.raises(error, match=says):
        _parse(data)


@pytest.mark.parametrize(
    ("data", "limits"),
    [
        (gzip.compress(b"track_id,key\n" + b" " * 10_000, mtime=0), {"max_unpacked_bytes": 1_000}),
        (f"track_id,key\n{A},1\n{B},1\n".encode(), {"max_upload_rows": 1}),
        (json.dumps([{"track_id": A}, {"track_id": B}]).encode(), {"max_upload_rows": 1}),
        (json.dumps([{"track_id": A}]).encode(), {"max_json_bytes": 10}),
    ],
)
def test_a_file_over_a_limit_is_too_large(data: bytes, limits: dict[str, int]) -> None:
    with pytest.raises(TooLargeError):
        _parse(data, **limits)


def test_a_release_date_of_zeros_is_unknown() -> None:
    assert parse_release_date("0000") is None


# The first draw of text builds Hypothesis' tables, which a busy machine takes seconds over.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(list(Features.model_fields)), st.text() | st.floats() | st.integers() | st.none()
    )
)
def test_whatever_an_item_holds_it_is_stored_or_rejected(item: dict[str, Any]) -> None:
    file = _parse(json.dumps([{"track_id": A, **item}]))
    assert (len(file.tracks) == 1) is (file.rejected == 0)
    assert all(value is not None for values in file.tracks.values() for value in values.values())
