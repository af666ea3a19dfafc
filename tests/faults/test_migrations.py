"""A store of any older revision comes up to date with its rows; one whose upgrade was killed is as it was."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, delete, insert, select

from app.database import Database, build_engine
from app.models import IssuedForecast
from app.schema import build_alembic_config, is_current, migrate
from tests.bench.processes import ROOT
from tests.faults.servers import (
    SECONDS,
    as_charts,
    fill,
    last_charts,
    later,
    read_charts,
    settings_of,
    wait_for_waiting,
)
from tests.sample import LAST_DAY, Row, Sample, ingest_metadata, ingest_rows, to_csv
from tests.serving import refuse, serve

OLDER = [script.revision for script in ScriptDirectory.from_config(build_alembic_config()).walk_revisions()][
    1:
]
# By table: its columns, and its rows in some order that is always the same.
Rows = dict[str, tuple[list[str], list[tuple[Any, ...]]]]


@pytest.fixture(scope="module")
def stored(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, sample: Sample) -> Rows:
    """Rows of every kind: charts, corrections, metadata, forecasts that were issued."""
    path = tmp_path_factory.mktemp("stored") / "chartcast.db"
    path.write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{path}"
    fill(url, sample)
    ingest_metadata(url)
    ingest_rows(url, _corrected(last_charts(sample, 1)))
    database = Database(build_engine(url))
    issued = {"region": "ph", "model": "gru", "version": 3, "weights": "0f", "cutoff": LAST_DAY}
    with database.write() as connection:
        connection.execute(insert(IssuedForecast).values(**issued, forecast=b"packed"))
        rows = _read_rows(connection)
    database.dispose()
    assert all(rows[table][1] for table in ("corrections", "track_metadata", "issued_forecasts"))
    return rows


def _corrected(rows: list[Row]) -> list[Row]:
    return [replace(row, streams=row.streams + 1) for row in rows]


def _reflect(connection: Connection) -> MetaData:
    tables = MetaData()
    tables.reflect(connection)
    return tables


def _read_rows(connection: Connection) -> Rows:
    rows: Rows = {}
    for table in _reflect(connection).sorted_tables:
        if table.name != "alembic_version":
            found = connection.execute(select(table))
            rows[table.name] = (list(table.columns.keys()), sorted(map(tuple, found), key=repr))
    return rows


def _go_back(database: Database, revision: str, stored: Rows) -> Rows:
    """Make the store one of an older revision, with rows; return what it holds."""
    with database.write() as connection:
        config = build_alembic_config(connection)
        command.downgrade(config, "base")
        command.upgrade(config, revision)
        for table in _reflect(connection).sorted_tables:
            columns, rows = stored.get(table.name, ([], []))
            common = [dict(zip(columns, row, strict=True)) for row in rows]
            if common:
                connection.execute(delete(table))  # a row that the migration itself put there
                connection.execute(
                    insert(table), [{c.name: row[c.name] for c in table.columns} for row in common]
                )
                _count_on(connection, table)
        return _read_rows(connection)


def _count_on(connection: Connection, table: Table) -> None:
    """Let Postgres number new rows after those that came with a number."""
    if connection.dialect.name == "postgresql" and "id" in table.columns:
        serial = f"pg_get_serial_sequence('{table.name}', 'id')"
        connection.exec_driver_sql(f"SELECT setval({serial}, max(id)) FROM {table.name}")


def _assert_holds(database: Database, rows: Rows) -> None:
    """Every row of an older revision is there, whatever columns have come since."""
    with database.read() as connection:
        found = _read_rows(connection)
    for table, (columns, expected) in rows.items():
        places = [found[table][0].index(column) for column in columns]
        assert sorted((tuple(row[i] for i in places) for row in found[table][1]), key=repr) == expected, table


@pytest.mark.parametrize("revision", OLDER)
def test_a_store_of_an_older_revision_comes_up_with_its_rows_and_goes_down_with_them(
    revision: str, database: Database, database_url: str, stored: Rows, sample: Sample
) -> None:
    rows = _go_back(database, revision, stored)
    migrate(database)
    _assert_holds(database, rows)
    with database.write() as connection:
        assert is_current(connection)
        command.check(build_alembic_config(connection))
        command.downgrade(build_alembic_config(connection), revision)
    _assert_holds(database, rows)
    migrate(database)
    _assert_holds(database, rows)
    before, new = read_charts(database_url), later(last_charts(sample, 1), 1)
    ingest_rows(database_url, new)
    assert read_charts(database_url) == before | as_charts(new)


def test_an_upgrade_that_is_killed_leaves_the_old_schema_which_the_next_start_tells_and_mends(
    database: Database, database_url: str, stored: Rows, sample: Sample, tmp_path: Path
) -> None:
    rows = _go_back(database, "0001", stored)
    new = later(last_charts(sample, 1), 1)
    (tmp_path / "charts.csv").write_bytes(to_csv(new))
    arguments = ("app", "ingest", str(tmp_path / "charts.csv"))
    killed = _run(database_url, tmp_path, "tests.faults.dying", "1:DROP INDEX", *arguments)
    assert killed.returncode == -signal.SIGKILL, killed.stdout
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "0001"
        assert _read_rows(connection) == rows
    with serve(database_url, tmp_path / "models") as client:  # started without an upgrade
        assert "run alembic upgrade head" in refuse(client.get("/readyz"), 503)["detail"]
    again = _run(database_url, tmp_path, *arguments)
    assert again.returncode == 0, again.stdout
    with database.read() as connection:
        assert is_current(connection)
    assert as_charts(new).items() <= read_charts(database_url).items()


def test_of_two_processes_that_upgrade_an_empty_store_at_once_the_second_waits_for_the_first(
    postgres_database_url: str, tmp_path: Path
) -> None:
    database = Database(build_engine(postgres_database_url))
    with database.write() as connection:
        command.downgrade(build_alembic_config(connection), "base")
        connection.exec_driver_sql("DROP TABLE alembic_version")
    with ThreadPoolExecutor(1) as thread:
        with database.write() as connection:
            command.upgrade(build_alembic_config(connection), "head")
            second = thread.submit(_run, postgres_database_url, tmp_path, "alembic", "upgrade", "head")
            wait_for_waiting(database)
        assert second.result().returncode == 0, second.result().stderr
    database.dispose()


def _run(database_url: str, folder: Path, *program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *program],
        env=settings_of(database_url, folder),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
