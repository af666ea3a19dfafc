"""The service as a process of its own, to be stopped, killed and starved, and what its store holds then."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from app.database import Database, build_engine
from tests.bench.processes import ROOT, free_port, stop, wait_until_up
from tests.ingest.stored import Charts, assert_kept_up, read_stored_charts
from tests.sample import LAST_DAY, Row, Sample, ingest_rows

CSV = {"content-type": "text/csv"}
SECONDS = 60  # for whatever must happen, on a busy machine too


@dataclass(frozen=True)
class Server:
    """A running service.

    Attributes:
        process: Of the server, or of what supervises its workers.
        client: Of its address.
        log: What it writes to its standard error.
    """

    process: "subprocess.Popen[bytes]"
    client: httpx.Client
    log: Path

    @property
    def address(self) -> str:
        """Where it listens."""
        return str(self.client.base_url)

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(SECONDS)


@contextmanager
def serving(
    database_url: str,
    folder: Path,
    *options: str,
    program: Sequence[str] = ("uvicorn", "app.main:app"),
    environment: Mapping[str, str] | None = None,
    restrict: Callable[[], None] | None = None,
) -> Iterator[Server]:
    """A service on a store, up.

    Args:
        database_url: Of the store.
        folder: For its log, and its bundles (``models``) beside those that ship.
        options: Of the program.
        program: The module to run, and its first arguments.
        environment: Beside what names the store.
        restrict: Runs in the new process before the program does.
    """
    port, log = free_port(), folder / "server.log"
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", *program, "--port", str(port), *options],
            env={**os.environ, **settings_of(database_url, folder), **(environment or {})},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            preexec_fn=restrict,
        )
    try:
        wait_until_up(port, process)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS, trust_env=False) as client:
            yield Server(process, client, log)
    finally:
        stop(process)


def settings_of(database_url: str, folder: Path) -> dict[str, str]:
    """What names a store and a folder of bundles to a process."""
    return {"CHARTCAST_DATABASE_URL": database_url, "CHARTCAST_MODELS_DIR": str(folder / "models")}


def assert_unavailable(answer: httpx.Response) -> str:
    """Hold an answer to what is promised of one that the store could not give; return its detail."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    problem: dict[str, Any] = answer.json()
    assert problem["type"] == "urn:chartcast:problem:database-not-available"
    assert not any(word in answer.text for word in ("SELECT", "INSERT", "postgres", "sqlite", "Traceback"))
    return str(problem["detail"])


def later(rows: Sequence[Row], days: int) -> list[Row]:
    """The same charts, so many days later."""
    return [replace(row, date=row.date + timedelta(days=days)) for row in rows]


def last_charts(sample: Sample, days: int) -> list[Row]:
    """The Philippine charts of the sample's last days."""
    return sample.where(lambda row: row.region == "ph" and row.date > LAST_DAY - timedelta(days=days))


def fill(database_url: str, sample: Sample, days: int = 3) -> Charts:
    """Give a store the sample's last few charts; return what it holds."""
    ingest_rows(database_url, last_charts(sample, days))
    return read_charts(database_url)


def large_upload(sample: Sample) -> list[Row]:
    """52 charts, in two statements on SQLite: the first of them corrects the last that ``fill`` gives."""
    return later(last_charts(sample, 52), 51)


def as_charts(rows: Sequence[Row]) -> Charts:
    """Rows as the store would hold them."""
    charts: Charts = {}
    for row in rows:
        charts.setdefault((row.region, row.date), {})[row.track_id] = (row.position, row.streams)
    return charts


def read_charts(database_url: str) -> Charts:
    """What a store holds, with everything derived from it checked."""
    database = Database(build_engine(database_url))
    try:
        assert_kept_up(database)
        return read_stored_charts(database)
    finally:
        database.dispose()


def wait_for_waiting(database: Database, sessions: int = 1) -> None:
    """Return once so many sessions on a PostgreSQL store wait for a lock."""
    here = "datname = current_database() AND wait_event_type = 'Lock'"
    waiting = f"SELECT count(*) FROM pg_stat_activity WHERE {here}"
    wait_until(lambda: _count(database, waiting) >= sessions)


def _count(database: Database, statement: str) -> int:
    with database.read() as connection:
        return int(connection.exec_driver_sql(statement).scalar_one())


def wait_until(seen: Callable[[], bool]) -> None:
    """Return once ``seen`` does.

    Raises:
        AssertionError: it does not, in a minute.
    """
    end = time.monotonic() + SECONDS
    while not seen():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)
