"""What the queries of an upload cost: index ranges, whatever the store holds."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from app.config import Settings
from app.database import Database, build_engine
from app.ingest.service import IngestOptions, IngestService
from app.uploads import Upload
from tests.ingest.chart_files import Row, build_csv

ROWS: list[Row] = [(place, letter, 100 - place) for place, letter in enumerate("ABCDEFGHIJ", start=1)]


@pytest.fixture
def sqlite(sqlite_database_url: str) -> Iterator[IngestService]:
    database = Database(build_engine(sqlite_database_url))
    settings = Settings(_env_file=None, database_url=sqlite_database_url)  # type: ignore[call-arg]
    yield IngestService(database, settings)
    database.dispose()


@contextmanager
def _recorded(service: IngestService) -> Iterator[list[tuple[str, Any]]]:
    statements: list[tuple[str, Any]] = []

    def record(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        statements.append((statement, parameters))

    event.listen(service.database.engine, "before_cursor_execute", record)
    yield statements
    event.remove(service.database.engine, "before_cursor_execute", record)


def _send(service: IngestService, day: dt.date, rows: list[Row]) -> int:
    with _recorded(service) as statements:
        service.ingest_files([Upload("api", build_csv(str(day), rows).encode())], IngestOptions(replace=True))
    return len(statements)


def test_a_day_costs_the_same_statements_however_many_are_stored(sqlite: IngestService) -> None:
    counts = [_send(sqlite, dt.date(2020, 1, 1) + dt.timedelta(days=day), ROWS) for day in range(12)]
    assert len(set(counts[2:])) == 1


def test_no_statement_of_an_upload_reads_a_table_from_end_to_end(sqlite: IngestService) -> None:
    day = dt.date(2020, 1, 1)
    _send(sqlite, day, ROWS)
    corrected: list[Row] = [*ROWS[:8], (9, "X", 5)]
    with _recorded(sqlite) as statements:
        _send(sqlite, day, corrected)
    with sqlite.database.read() as connection:
        for statement, parameters in statements:
            # An INSERT's plan shows scans for foreign keys, which do not run; regions are few, read whole.
            if statement.startswith(("BEGIN", "INSERT")) or "FROM regions" in statement:
                continue
            values = parameters[0] if parameters and isinstance(parameters, list) else parameters
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            scans = [row[3] for row in plan if row[3].startswith("SCAN") and "CONSTANT" not in row[3]]
            assert scans in ([], ["SCAN anon_1"], ["SCAN spans"]), (statement, scans)
