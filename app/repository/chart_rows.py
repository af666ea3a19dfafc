"""The new rows of charts, on their way into the table: past SQLAlchemy, in the order of the primary key."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain, groupby, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

from app.models import DailyStreams
from app.repository.chart_change import ChartChange
from app.repository.statistics import MANY
from app.repository.upsert import BATCH, in_batches, table_of

COLUMNS = ("region", "track_id", "date", "position", "streams")
Row = tuple[str, str, Any, int, int]  # in that order; of what the day is, the caller says
_COPY = f"COPY daily_streams ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_COPY_BEGIN, _COPY_END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_ROW_AFTER = select(DailyStreams.region).limit(1).offset(bindparam("count"))
_INDEXES = table_of(DailyStreams).indexes
_EPOCH = dt.date(2000, 1, 1).toordinal()  # PostgreSQL counts days from here


def sort_rows(
    entries: Iterable[tuple[ChartChange, Set[str]]], say_day: Callable[[dt.date], Any] = lambda day: day
) -> Iterator[Row]:
    """The rows of these tracks after a change, by primary key where the changes go by region and day."""
    for _, of_region in groupby(entries, key=lambda entry: entry[0].region):
        by_track: defaultdict[str, list[Row]] = defaultdict(list)
        for change, track_ids in of_region:
            for row in _build_rows(change, track_ids, say_day(change.date)):
                by_track[row[1]].append(row)
        yield from chain.from_iterable(map(by_track.__getitem__, sorted(by_track)))


def _build_rows(change: ChartChange, track_ids: Set[str], day: Any) -> Iterator[Row]:
    numbers = (map(of.__getitem__, track_ids) for of in (change.after.positions, change.after.streams))
    return zip(repeat(change.region), track_ids, repeat(day), *numbers, strict=False)


def insert_rows(connection: Connection, changes: Sequence[ChartChange]) -> None:
    """Put in the rows that ``changes``, which go by region and day, insert: none may be there yet."""
    with _index_after(connection, sum(len(change.inserted) for change in changes)):
        _insert(connection, ((change, change.inserted) for change in changes))


@contextmanager
def _index_after(connection: Connection, count: int) -> Iterator[None]:
    """Many rows go into a table of few before its index by day is made, in the same transaction.

    They come by track, so each would go into another page of that index: half of the time that a row takes.
    """
    if count < MANY or not _may_do_without(connection, count):
        yield
        return
    _drop_indexes(connection)
    yield
    _create_indexes(connection)


def _may_do_without(connection: Connection, count: int) -> bool:
    """Whether nobody misses the index meanwhile, and making it anew is cheaper than filling it."""
    if connection.dialect.name == "sqlite":  # its readers see the store as it was
        return not _has_more_rows(connection, than=count)
    if _has_more_rows(connection, than=0):
        return False
    try:
        with connection.begin_nested() as attempt:
            # Who holds the table may be waiting for this very upload.
            connection.exec_driver_sql("LOCK TABLE daily_streams IN ACCESS EXCLUSIVE MODE NOWAIT")
            _drop_indexes(connection)  # a rehearsal: only the table's owner may
            _create_indexes(connection)
            if filled := _has_more_rows(connection, than=0):
                attempt.rollback()
            return not filled
    except DBAPIError:
        return False


def _drop_indexes(connection: Connection) -> None:
    for index in _INDEXES:
        index.drop(connection)


def _create_indexes(connection: Connection) -> None:
    for index in _INDEXES:
        index.create(connection)


def _has_more_rows(connection: Connection, *, than: int) -> bool:
    return connection.scalar(_ROW_AFTER, {"count": than}) is not None


def _insert(connection: Connection, inserted: Iterable[tuple[ChartChange, Set[str]]]) -> None:
    if connection.dialect.name == "postgresql":
        _copy(connection, sort_rows(inserted, lambda day: day.toordinal() - _EPOCH))
        return
    for batch in in_batches(sort_rows(inserted, dt.date.isoformat), BATCH):
        connection.exec_driver_sql(_write_insert(), batch)


@lru_cache
def _write_insert() -> str:
    return str(insert(DailyStreams).compile(dialect=sqlite.dialect()))


def _copy(connection: Connection, rows: Iterator[Row]) -> None:
    driver: Any = connection.connection.cursor()
    dialect = connection.dialect
    driver_error: type[Exception] = dialect.loaded_dbapi.Error
    try:
        with driver, driver.copy(_COPY) as copy:
            copy.write(_COPY_BEGIN)
            for region, of_region in groupby(rows, key=lambda row: row[0]):
                for batch in in_batches(of_region, BATCH):
                    copy.write(_pack(region, batch))
            copy.write(_COPY_END)
    except driver_error as error:
        raise DBAPIError.instance(_COPY, None, error, driver_error, dialect=dialect) from error


def _pack(region: str, rows: Sequence[Row]) -> bytes:
    """One region's rows as binary COPY has them: how many fields, then each after its size."""
    packed: NDArray[np.void] = np.empty(len(rows), _build_layout(len(region)))
    packed["fields"] = len(COLUMNS)
    for name, values in zip(COLUMNS, zip(*rows, strict=True), strict=True):
        packed[f"size of {name}"] = packed.dtype[name].itemsize
        packed[name] = values
    return packed.tobytes()


@lru_cache
def _build_layout(size: int) -> "np.dtype[np.void]":
    kinds = (f"S{size}", "S22", ">i4", ">i4", ">i8")
    columns = zip(COLUMNS, kinds, strict=True)
    return np.dtype(
        [("fields", ">i2"), *chain.from_iterable(((f"size of {c}", ">i4"), (c, kind)) for c, kind in columns)]
    )
