"""Whoever changes a track's artist tells the forecasts of all regions, and nobody else does."""

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, insert, select

from app.database import Database
from app.models import SharedVersion, Track
from app.repository.charted_tracks import Naming, upsert_tracks
from app.repository.metadata import upsert_metadata

A, B = "a" * 22, "b" * 22
DAY = dt.date(2021, 1, 1)


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    """To the store, in a transaction that writes."""
    with database.write() as opened:
        yield opened


@pytest.fixture
def version(connection: Connection) -> Callable[[], int]:
    """How often a track's artist has changed."""
    connection.execute(
        insert(Track),
        [
            {"track_id": A, "track_name": "One", "artist": "Ann"},
            {"track_id": B, "track_name": "Two", "artist": None},
        ],
    )
    return lambda: int(connection.execute(select(SharedVersion.version)).scalar_one())


def _name(connection: Connection, track_id: str, artist: str | None, name: str = "One") -> None:
    upsert_tracks(connection, {track_id: Naming(name, DAY, artist, DAY)})


def test_a_new_artist_counts_and_another_spelling_of_the_first_named_does_not(
    connection: Connection, version: Callable[[], int]
) -> None:
    start = version()
    for artist, expected in (("Ann", 0), ("ANN, Bob", 0), (None, 0), ("Bob, Ann", 1)):
        _name(connection, A, artist)
        assert version() == start + expected, artist


def test_a_new_track_and_a_new_name_do_not_count(connection: Connection, version: Callable[[], int]) -> None:
    start = version()
    _name(connection, "c" * 22, "Cid")
    _name(connection, A, "Ann", name="Another")
    assert version() == start


def test_metadata_that_fill_in_an_artist_count_once(
    connection: Connection, version: Callable[[], int]
) -> None:
    start = version()
    upsert_metadata(connection, {A: {"artist": "Bob", "energy": 0.5}, "d" * 22: {"artist": "Dee"}}, "test")
    assert version() == start
    for _ in range(2):
        upsert_metadata(connection, {B: {"artist": "Bob", "energy": 0.5}}, "test")
        assert version() == start + 1
