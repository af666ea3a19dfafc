"""The floors of taking charts in: the same rows into the same table by the bare driver, and nothing else.

The table has the key and the index of the service's own; there is no parsing, checking, record or movement.
"""

import io
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from time import perf_counter

import psycopg

from tests.bench.charts import ChartRow, Day
from tests.bench.processes import SERVER_CORE, on_cores

COLUMNS = "region TEXT, track_id TEXT, date DATE, position INTEGER, streams BIGINT"
TABLE = f"CREATE TABLE charts ({COLUMNS}, PRIMARY KEY (region, track_id, date))"
INDEX = "CREATE INDEX by_day ON charts (region, date, position)"
UPSERT = (
    "INSERT INTO charts VALUES (?, ?, ?, ?, ?) ON CONFLICT (region, track_id, date) "
    "DO UPDATE SET position = excluded.position, streams = excluded.streams"
)


class SqliteFloor:
    """``executemany`` of an upsert, a transaction a day; WAL, synchronous FULL, as the service has it."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"):
            self.connection.execute(statement)
        self.connection.execute(f"{TABLE} WITHOUT ROWID")
        self.connection.execute(INDEX)

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


def copy_into_postgres(database_url: str, rows: Iterable[ChartRow]) -> float:
    """Seconds of one COPY, sorted by the key, of rows that are text already."""
    data = "".join("\t".join(map(str, row)) + "\n" for row in sorted(rows))
    plain = database_url.replace("+psycopg", "", 1)
    with psycopg.connect(plain) as connection, on_cores(SERVER_CORE):
        connection.execute("DROP TABLE IF EXISTS charts")
        connection.execute(TABLE.encode())
        connection.execute(INDEX.encode())
        connection.commit()
        begin = perf_counter()
        with connection.cursor() as cursor, cursor.copy("COPY charts FROM STDIN") as copy:
            source = io.StringIO(data)
            while part := source.read(1 << 16):
                copy.write(part)
        connection.commit()
        return perf_counter() - begin
