"""Upserts on both databases."""

from sqlalchemy import select

from app.database import Database
from app.models import Track
from app.repository.upsert import in_batches, overwrite, upsert_rows


def _upsert(database: Database, replace: tuple[str, ...], *rows: tuple[str, str | None, str | None]) -> None:
    names = ("track_id", "track_name", "artist")
    with database.write() as connection:
        upsert_rows(connection, Track, names, rows, merge=overwrite(*replace))


def _read(database: Database) -> list[tuple[str, str | None, str | None]]:
    with database.read() as connection:
        columns = select(Track.track_id, Track.track_name, Track.artist).order_by(Track.track_id)
        return [(row[0], row[1], row[2]) for row in connection.execute(columns)]


def test_rows_that_are_there_get_the_columns_named_and_keep_the_others(database: Database) -> None:
    _upsert(database, (), ("a", "one", "x"))
    _upsert(database, ("track_name",), ("a", "two", "y"), ("b", None, None))
    assert _read(database) == [("a", "two", "x"), ("b", None, None)]


def test_with_nothing_to_replace_rows_that_are_there_stay(database: Database) -> None:
    _upsert(database, (), ("a", "one", "x"))
    _upsert(database, (), ("a", "two", "y"), ("b", "three", "z"))
    assert _read(database) == [("a", "one", "x"), ("b", "three", "z")]


def test_no_rows_are_no_statement(database: Database) -> None:
    _upsert(database, ("track_name",))
    assert _read(database) == []


def test_batches_hold_everything_once() -> None:
    assert list(in_batches(range(5), 2)) == [[0, 1], [2, 3], [4]]
