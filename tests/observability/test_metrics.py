"""What is counted shows in ``GET /metrics``, under names that no client can make more of."""

import datetime as dt
import time
from collections.abc import Callable
from math import inf
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.observability import endpoints
from app.observability.metrics import FIELDS, OTHER
from tests.exposition import Series, parse, total, values
from tests.predict.tracks import charting
from tests.sample import LAST_DAY, Sample, to_csv
from tests.serving import predict, predict_batch, serve

Growth = Callable[..., float]


def _scrape(client: TestClient) -> Series:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parse(answer.text)


@pytest.fixture
def growth(sample_client: TestClient) -> Growth:
    """By how much a metric has grown since the test began: the process has counted for other tests too."""
    before = _scrape(sample_client)
    return lambda name, **labels: (
        total(_scrape(sample_client), name, **labels) - total(before, name, **labels)
    )


def test_a_request_counts_by_method_template_and_status_and_its_time_by_template(
    sample_client: TestClient, growth: Growth
) -> None:
    for day in ("2020-12-31", "2020-12-30", "1999-01-01"):
        sample_client.get(f"/charts/ph/{day}")
    labels = {"method": "GET", "route": "/charts/{region}/{date}"}
    assert growth("chartcast_http_requests_total", **labels, status=200) == 2
    assert growth("chartcast_http_requests_total", **labels, status=404) == 1
    assert growth("chartcast_http_request_duration_seconds_count", **labels) == 3
    assert growth("chartcast_http_request_duration_seconds_bucket", **labels, le="+Inf") == 3
    assert 0 < growth("chartcast_http_request_duration_seconds_sum", **labels) < 10


def test_a_scan_of_paths_and_methods_makes_no_series_of_its_own(
    sample_client: TestClient, growth: Growth
) -> None:
    for i in range(30):
        sample_client.get(f"/wp-admin/{i}")
        sample_client.request(f"X{i}", "/predict")
    assert growth("chartcast_http_requests_total", route="(unmatched)", status=404) == 30
    assert growth("chartcast_http_requests_total", method=OTHER, route="/predict", status=405) == 30
    routes = {dict(of)["route"] for of in values(_scrape(sample_client), "chartcast_http_requests_total")}
    assert not [route for route in routes if "wp-admin" in route]


def test_the_pages_of_the_documentation_count_each_as_its_own(
    sample_client: TestClient, growth: Growth
) -> None:
    for page in ("/docs", "/openapi.json"):
        sample_client.get(page)
        assert growth("chartcast_http_requests_total", route=page, status=200) == 1


def test_forecasts_count_by_the_model_that_answered_and_the_one_asked_for(
    sample_client: TestClient, sample: Sample, growth: Growth
) -> None:
    tracks = [charting(sample, with_metadata=known) for known in (True, False)]
    used = predict(sample_client, tracks[0])["model"]
    predict(sample_client, tracks[0], model="baseline")
    predict_batch(sample_client, [{"track_id": track, "region": "ph"} for track in tracks], model="gru")
    name = "chartcast_forecasts_total"
    assert growth(name, model=used["name"], version=used["version"], requested="auto") == 1
    assert growth(name, model="baseline", version="", requested="baseline") == 1
    assert growth(name, model="gru", version=1, requested="gru") == 2


def test_stored_rows_count_by_what_became_of_them(
    sample_client: TestClient, sample: Sample, growth: Growth
) -> None:
    rows = list(sample.chart("ph", LAST_DAY).values())[:190]
    for query in ("", "?dry_run=true"):
        answer = sample_client.post(
            f"/ingest{query}", content=to_csv(rows), headers={"content-type": "text/csv"}
        )
        assert answer.status_code < 300, answer.text
    report = sample_client.post("/ingest", content=to_csv(rows), headers={"content-type": "text/csv"}).json()
    assert report["unchanged"] == 190
    name = "chartcast_ingest_rows_total"
    assert [growth(name, outcome=o) for o in ("inserted", "updated", "removed")] == [0, 0, 10]
    assert growth(name, outcome="unchanged") == 380


def test_rejected_rows_count_by_the_field_at_fault_whether_the_others_were_stored_or_not(
    sample_client: TestClient, growth: Growth
) -> None:
    csv = (
        "Position,Track Name,Artist,Streams,URL,Date,Region\n"
        "1,A,B,many,https://open.spotify.com/track/4umIPjkehX1r7uhmGvXiSV,2020-03-09,de\n"
        "x,A,B,5,https://open.spotify.com/track/4umIPjkehX1r7uhmGvXiSW,2020-03-09,de\n"
        "3,A,B,5,https://open.spotify.com/track/4umIPjkehX1r7uhmGvXiSX,2020-03-09,de\n"
    )
    for on_error, status in (("reject", 422), ("skip", 201)):
        answer = sample_client.post(
            f"/ingest?on_error={on_error}", content=csv, headers={"content-type": "text/csv"}
        )
        assert answer.status_code == status, answer.text
    name = "chartcast_ingest_rejected_rows_total"
    assert {field: growth(name, field=field) for field in FIELDS if growth(name, field=field)} == {
        "streams": 2,
        "position": 2,
    }


def test_the_store_tells_how_old_its_data_are_and_when_it_was_last_fed(sample_client: TestClient) -> None:
    series = _scrape(sample_client)
    now = dt.datetime.now(dt.UTC)
    age = (now.date() - LAST_DAY).days
    assert values(series, "chartcast_data_age_days") == {
        frozenset({("region", region)}): age for region in ("ph", "us")
    }
    assert 0 <= now.timestamp() - total(series, "chartcast_last_upload_timestamp_seconds") < 3600
    assert total(series, "chartcast_database_up") == 1


def test_the_models_tell_version_and_age_and_one_that_is_not_there_is_version_0(
    sample_client: TestClient, sqlite_database_url: str, tmp_path: Path
) -> None:
    series = _scrape(sample_client)
    through = dt.date(2020, 9, 30)  # as tests.published_bundles has it
    for model in ("lstm", "gru", "multi_input"):
        assert total(series, "chartcast_model_version", model=model) == 1
        age = (dt.datetime.now(dt.UTC).date() - through).days
        assert total(series, "chartcast_model_age_days", model=model) == age
    damaged = tmp_path / "lstm" / "7"
    damaged.mkdir(parents=True)
    with serve(sqlite_database_url, tmp_path) as bare:
        series = _scrape(bare)
    assert total(series, "chartcast_model_version") == 0
    assert total(series, "chartcast_bundles_refused") == 1


def test_the_pool_tells_how_many_connections_are_at_work(sample_client: TestClient) -> None:
    database = sample_client.app.state.database  # type: ignore[attr-defined]
    limit = 15 if database.engine.name == "postgresql" else inf  # SQLite's are files: each thread has one
    assert total(_scrape(sample_client), "chartcast_database_connections_limit") == limit
    with database.read(), database.read():
        assert total(_scrape(sample_client), "chartcast_database_connections_in_use") == 2
    assert total(_scrape(sample_client), "chartcast_database_connections_in_use") == 0


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells")
def test_the_process_tells_its_memory_and_time(sample_client: TestClient) -> None:
    series = _scrape(sample_client)
    assert total(series, "process_resident_memory_bytes") > 2**20
    assert total(series, "process_cpu_seconds_total") > 0


def test_without_the_database_the_rest_is_told_all_the_same(sample_client: TestClient) -> None:
    _scrape(sample_client)
    database = sample_client.app.state.database  # type: ignore[attr-defined]
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE regions RENAME TO lost")
    series = _scrape(sample_client)
    assert total(series, "chartcast_database_up") == 0
    assert not values(series, "chartcast_data_age_days")
    assert values(series, "chartcast_http_requests_total")


def test_a_scrape_does_not_wait_for_a_connection_where_all_are_at_work(
    sample_client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sample_client.app.state.database.is_embedded:  # type: ignore[attr-defined]
        pytest.skip("there is always another connection to a file")
    monkeypatch.setattr(endpoints, "STORE_SECONDS", 0.2)
    engine = sample_client.app.state.database.engine  # type: ignore[attr-defined]
    engine.pool._timeout = 0.5  # of the thread that was given up
    held = [engine.connect() for _ in range(15)]
    try:
        series = _scrape(sample_client)
        assert total(series, "chartcast_database_up") == 0
        assert total(series, "chartcast_database_connections_in_use") == 15
        time.sleep(0.6)  # it would else get one of these, and have it still when the store is closed
    finally:
        for connection in held:
            connection.close()
