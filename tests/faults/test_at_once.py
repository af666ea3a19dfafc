"""Uploads at once, and beside a thousand predictions: over HTTP, on two workers, with nothing lost."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx

from app.database import Database, build_engine
from tests.faults.load import under_load
from tests.faults.servers import (
    CSV,
    SECONDS,
    as_charts,
    fill,
    last_charts,
    later,
    read_charts,
    serving,
    wait_until,
)
from tests.sample import Sample, to_csv

PREDICTIONS = 1_000
UPLOADS = 12
MORE_THAN_THREADS = 45  # that a process has for everything, and far more than connections


def test_uploads_of_the_same_day_at_once_end_as_one_of_them_did(
    database_url: str, sample: Sample, tmp_path: Path
) -> None:
    before, chart = fill(database_url, sample), later(last_charts(sample, 1), 1)
    uploads = [[replace(row, streams=row.streams + n) for row in chart] for n in range(UPLOADS)]
    with serving(database_url, tmp_path, "--workers", "2") as server:
        with ThreadPoolExecutor(UPLOADS) as threads:
            answers = list(threads.map(lambda rows: _post(server.address, to_csv(rows)), uploads))
        assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
        batches = [answer.json()["batch_id"] for answer in answers]
    last = uploads[batches.index(max(batches))]
    assert sum(answer.json()["inserted"] for answer in answers) == len(chart)
    assert read_charts(database_url) == before | as_charts(last)


def test_an_upload_beside_a_thousand_predictions_disturbs_none_of_them(
    database_url: str, sample: Sample, tmp_path: Path
) -> None:
    before, chart = fill(database_url, sample), last_charts(sample, 1)
    tracks = [row.track_id for row in chart]
    days = [later(chart, n) for n in range(1, UPLOADS + 1)]

    def predict(client: httpx.Client, number: int) -> httpx.Response:
        track = {"track_id": tracks[number % len(tracks)], "region": "ph", "as_of": str(chart[0].date)}
        return client.post("/predict", json=track | {"model": ("baseline", "gru")[number % 2]})

    with (
        serving(database_url, tmp_path, "--workers", "2") as server,
        under_load(server.address, [predict] * 8) as load,
    ):
        wait_until(lambda: len(load.answers) > 0)
        uploaded = [_post(server.address, to_csv(day)) for day in days]
        wait_until(lambda: len(load.answers) >= PREDICTIONS)
    assert {answer.status_code for answer in uploaded} == {201}
    assert load.statuses() == {200}, [answer.text for answer in load.answers if answer.status_code != 200][:3]
    assert not load.errors
    assert read_charts(database_url) == before | as_charts([row for day in days for row in day])


def test_uploads_that_wait_for_each_other_keep_nobody_from_a_forecast(
    database_url: str, sample: Sample, tmp_path: Path
) -> None:
    before, chart = fill(database_url, sample), last_charts(sample, 1)
    days = [later(chart, n) for n in range(1, MORE_THAN_THREADS + 1)]
    track = {"track_id": chart[0].track_id, "region": "ph", "model": "baseline"}
    other = Database(build_engine(database_url))
    with serving(database_url, tmp_path) as server, ThreadPoolExecutor(len(days)) as threads:
        with other.write() as connection:
            connection.exec_driver_sql("UPDATE regions SET version = version")  # an upload to it has to wait
            uploads = [threads.submit(_post, server.address, to_csv(day)) for day in days]
            for _ in range(10):
                for answer in (
                    server.client.post("/predict", json=track, timeout=5),
                    server.client.get("/readyz", timeout=5),
                ):
                    assert answer.status_code == 200
                time.sleep(0.1)
            assert not any(upload.done() for upload in uploads)
        assert {upload.result(SECONDS).status_code for upload in uploads} == {201}
    other.dispose()
    assert read_charts(database_url) == before | as_charts([row for day in days for row in day])


def _post(address: str, body: bytes) -> httpx.Response:
    return httpx.post(f"{address}/ingest", content=body, headers=CSV, timeout=SECONDS, trust_env=False)
