"""``INSERT … ON CONFLICT DO UPDATE`` over the typed models, in either database's dialect."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ARRAY, ColumnElement, Connection, Date, Executable, Table, bindparam, func, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.elements import KeyedColumnElement

from app.database import Base

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

T = TypeVar("T")
AnyInsert = TypeVar("AnyInsert", "postgresql.Insert", sqlite.Insert)
Excluded = ReadOnlyColumnCollection[str, KeyedColumnElement[Any]]
# From the row that a primary key refuses, what the row that is there becomes; no columns leave it as it is.
Merge = Callable[[Excluded], Mapping[str, ColumnElement[Any]]]

BATCH = 10_000  # rows handed to the driver at once
IN_LIST = 500  # values in one IN (…), under what either database takes


def in_batches(items: Iterable[T], size: int = IN_LIST) -> Iterator[list[T]]:
    """Yield ``items`` in lists of at most ``size``."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


def execute_many(connection: Connection, statement: Executable, rows: Iterable[Mapping[str, Any]]) -> None:
    """Execute ``statement`` once for each of ``rows``; nothing where there are none."""
    for batch in in_batches(rows, BATCH):
        connection.execute(statement, batch)


@lru_cache
def overwrite(*columns: str) -> Merge:
    """The merge that puts the refused row's values into ``columns``."""
    return lambda refused: {column: refused[column] for column in columns}


def upsert_rows(
    connection: Connection,
    model: type[Base],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    merge: Merge,
) -> None:
    """Insert ``rows``, each the values of ``columns``; ``merge`` those whose primary key is there already.

    Rows sorted by primary key go in fastest, and two writers that sort cannot wait for each other.

    Args:
        connection: Inside a write transaction.
        model: The table.
        columns: The names of what rows give.
        rows: In the order of ``columns``.
        merge: What becomes of rows that are there; the same function each time, its statement is kept.
    """
    table = table_of(model)
    postgres = connection.dialect.name == "postgresql"
    for batch in in_batches(rows, BATCH):
        if postgres:
            # One array a column: three times as fast as a statement a row.
            values = dict(zip(columns, map(list, zip(*batch, strict=True)), strict=True))
            connection.execute(_build_on_postgres(table, tuple(columns), merge), values)
        else:
            _execute_on_sqlite(connection, table, columns, batch, merge)


def table_of(model: type[Base]) -> Table:
    """The table of a model."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


@lru_cache
def _build_on_postgres(table: Table, columns: tuple[str, ...], merge: Merge) -> "postgresql.Insert":
    from sqlalchemy.dialects import postgresql  # slow to import: for a store on PostgreSQL alone

    arrays = [func.unnest(bindparam(column, type_=ARRAY(table.c[column].type))) for column in columns]
    return _on_conflict(postgresql.insert(table).from_select(columns, select(*arrays)), table, merge)


def _execute_on_sqlite(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    merge: Merge,
) -> None:
    # Straight to the driver: a day's rows are so few that what SQLAlchemy does for each would cost as much.
    values = {
        name: map(dt.date.isoformat, column) if isinstance(table.c[name].type, Date) else column
        for name, column in zip(columns, zip(*rows, strict=True), strict=True)
    }
    statement, order = _write_for_sqlite(table, tuple(columns), merge)
    connection.exec_driver_sql(statement, list(zip(*(values[name] for name in order), strict=True)))


@lru_cache
def _write_for_sqlite(table: Table, columns: tuple[str, ...], merge: Merge) -> tuple[str, list[str]]:
    """The statement, and the columns in the order of its parameters."""
    statement = sqlite.insert(table).values({column: bindparam(column) for column in columns})
    compiled = _on_conflict(statement, table, merge).compile(dialect=sqlite.dialect())
    return str(compiled), list(compiled.positiontup or ())


def _on_conflict(statement: AnyInsert, table: Table, merge: Merge) -> AnyInsert:
    key = table.primary_key.columns
    merged = merge(statement.excluded)
    if not merged:
        return statement.on_conflict_do_nothing(index_elements=key)
    return statement.on_conflict_do_update(index_elements=key, set_=dict(merged))
