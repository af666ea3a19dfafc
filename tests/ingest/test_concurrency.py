"""Uploads at once, and uploads that fail halfway."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection

from app.config import Settings
from app.database import Database, build_engine
from app.ingest import storing
from app.ingest.service import IngestOptions, IngestService
from app.uploads import Upload
from tests.ingest.chart_files import Row, build_csv, build_table, track_of
from tests.ingest.stored import assert_kept_up, read_stored_charts

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _chart(streams: int, letters: str = LETTERS) -> list[Row]:
    return [(place, letter, streams + place) for place, letter in enumerate(letters, start=1)]


def _send_at_once(settings: Settings, uploads: list[str]) -> list[Any]:
    start = Barrier(len(uploads))

    def send(text: str) -> Any:
        database = Database(build_engine(settings.database_url))  # as another process would
        start.wait()
        try:
            return IngestService(database, settings).ingest_files(
                [Upload("api", text.encode())], IngestOptions(replace=True)
            )
        finally:
            database.dispose()

    with ThreadPoolExecutor(len(uploads)) as threads:
        return list(threads.map(send, uploads))


def test_two_uploads_of_one_day_at_once_end_as_one_of_them_whole(
    database: Database, settings: Settings
) -> None:
    charts = [_chart(100), _chart(5000, LETTERS[::-1][:25]), _chart(900, LETTERS[3:])]
    wanted = [{track_of(letter): (place, streams) for place, letter, streams in chart} for chart in charts]
    for day in ("2020-12-01", "2020-12-02", "2020-12-03"):
        reports = _send_at_once(settings, [build_csv(day, chart) for chart in charts])
        assert sum(report.changed for report in reports) == 3
        *_, stored = sorted(read_stored_charts(database).items())
        assert stored[1] in wanted
        assert_kept_up(database)


def test_uploads_of_several_regions_at_once_do_not_wait_for_each_other_for_ever(
    database: Database, settings: Settings
) -> None:
    regions = ("ph", "us", "global")
    uploads = [
        build_table(
            (f"2020-12-0{day},{region}", row, "{},{}")
            for region in (regions[turn:] + regions[:turn])
            for row in _chart(100 * turn)
        )
        for turn in range(3)
        for day in (1, 2)
    ]
    _send_at_once(settings, uploads)
    assert {len(chart) for chart in read_stored_charts(database).values()} == {len(LETTERS)}
    assert_kept_up(database)


def test_an_upload_that_fails_halfway_leaves_nothing(
    client: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_connection: Connection, _changes: Mapping[str, object]) -> None:
        raise RuntimeError("the power goes")

    with monkeypatch.context() as patched:
        patched.setattr(storing, "update_regions", fail)  # the last step of the transaction
        answer = _post(client, build_csv("2020-12-01", _chart(100)))
    assert answer.status_code == 500
    assert "power" not in answer.text
    with database.read() as connection:
        for table in ("regions", "tracks", "daily_streams", "chart_days", "track_regions", "ingest_batches"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0
    assert _post(client, build_csv("2020-12-01", _chart(100))).status_code == 201


def test_what_the_answer_says_is_stored_when_the_answer_comes(client: TestClient, database: Database) -> None:
    assert _post(client, build_csv("2020-12-01", _chart(100))).status_code == 201
    assert len(read_stored_charts(database)) == 1


def _post(client: TestClient, text: str) -> Any:
    return client.post("/ingest", content=text, headers={"Content-Type": "text/csv"})
