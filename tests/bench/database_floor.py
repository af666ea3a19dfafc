"""The floors of taking charts in: the same rows into one table by the bare driver, and nothing else.

The table is keyed by track and indexed by day, as the floor that the goals were set against; beside it stands
what the same makes of a table that lies by day, as the service's own does. There is no parsing, checking,
record or movement.
"""

import io
import sqlite3
from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import psycopg

from tests.bench.charts import ChartRow, Day
from tests.bench.processes import SERVER_CORE, on_cores

COLUMNS = "region TEXT, track_id TEXT, date DATE, position INTEGER, streams BIGINT"


class Table(NamedTuple):
    """How the rows lie."""

    key: tuple[str, ...]
    by_day: str | None = None

    @property
    def statements(self) -> list[str]:
        """What makes it."""
        made = f"CREATE TABLE charts ({COLUMNS}, PRIMARY KEY ({', '.join(self.key)}))"
        return [made, *([] if self.by_day is None else [f"CREATE INDEX by_day ON charts {self.by_day}"])]


BY_TRACK = Table(("region", "track_id", "date"), "(region, date, position)")
BY_DAY = Table(("region", "date", "track_id"))
UPSERT = (
    "INSERT INTO charts VALUES (?, ?, ?, ?, ?) ON CONFLICT (region, track_id, date) "
    "DO UPDATE SET position = excluded.position, streams = excluded.streams"
)


class SqliteFloor:
    """``executemany`` of an upsert, a transaction a day; WAL, synchronous NORMAL, as the service has it."""

    def __init__(self, path: Path, table: Table = BY_TRACK) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL"):
            self.connection.execute(statement)
        made, *index = table.statements
        for statement in (f"{made} WITHOUT ROWID", *index):
            self.connection.execute(statement)

    def take_in(self, days: Iterable[Day]) -> float:
        """Seconds, on the core that the service has."""
        with on_cores(SERVER_CORE):
            begin = perf_counter()
            for day in days:
                self.connection.execute("BEGIN IMMEDIATE")
                self.connection.executemany(UPSERT, day)
                self.connection.execute("COMMIT")
            return perf_counter() - begin

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()


def copy_into_postgres(database_url: str, rows: Iterable[ChartRow], table: Table = BY_TRACK) -> float:
    """Seconds of one COPY, sorted by the key, of rows that are text already."""
    ordered = sorted(rows, key=attrgetter(*table.key))
    data = "".join("\t".join(map(str, row)) + "\n" for row in ordered)
    plain = database_url.replace("+psycopg", "", 1)
    with psycopg.connect(plain) as connection, on_cores(SERVER_CORE):
        connection.execute("DROP TABLE IF EXISTS charts")
        for statement in table.statements:
            connection.execute(statement.encode())
        connection.commit()
        begin = perf_counter()
        with connection.cursor() as cursor, cursor.copy("COPY charts FROM STDIN") as copy:
            source = io.StringIO(data)
            while part := source.read(1 << 16):
                copy.write(part)
        connection.commit()
        return perf_counter() - begin
