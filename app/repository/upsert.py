"""``INSERT … ON CONFLICT DO UPDATE`` over the typed models, in either database's dialect."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ARRAY, Connection, Executable, Table, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from app.database import Base

T = TypeVar("T")
AnyInsert = TypeVar("AnyInsert", postgresql.Insert, sqlite.Insert)

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


def upsert_rows(
    connection: Connection,
    model: type[Base],
    rows: Iterable[Mapping[str, Any]],
    *,
    replace: Sequence[str],
) -> None:
    """Insert ``rows``; where the primary key is there already, put their values in ``replace``.

    Rows sorted by primary key go in fastest, and two writers that sort cannot wait for each other.

    Args:
        connection: Inside a write transaction.
        model: The table.
        rows: Column name to value; each with the same columns.
        replace: The columns to overwrite; none leaves rows that are there as they are.
    """
    if connection.dialect.name == "postgresql":
        _upsert_on_postgres(connection, _table(model), rows, replace)
    else:
        execute_many(connection, _on_conflict(sqlite.insert(_table(model)), _table(model), replace), rows)


def _table(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


def _upsert_on_postgres(
    connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]], replace: Sequence[str]
) -> None:
    # A batch goes over as one array a column: three times as fast as a statement a row.
    for batch in in_batches(rows, BATCH):
        columns = list(batch[0])
        arrays = [func.unnest(bindparam(column, type_=ARRAY(table.c[column].type))) for column in columns]
        statement = postgresql.insert(table).from_select(columns, select(*arrays))
        values = {column: [row[column] for row in batch] for column in columns}
        connection.execute(_on_conflict(statement, table, replace), values)


def _on_conflict(statement: AnyInsert, table: Table, replace: Sequence[str]) -> AnyInsert:
    key = table.primary_key.columns
    if not replace:
        return statement.on_conflict_do_nothing(index_elements=key)
    overwrite = {column: statement.excluded[column] for column in replace}
    return statement.on_conflict_do_update(index_elements=key, set_=overwrite)
