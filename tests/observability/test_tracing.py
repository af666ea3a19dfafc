"""Traces go to a collector where one is set, and cost nothing, not even an import, where none is."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.config import ROOT, Settings
from app.observability.tracing import build_tracing, traced
from tests.observability.collector import Collected, attributes, collecting
from tests.predict.tracks import charting
from tests.sample import LAST_DAY, Sample, to_csv
from tests.serving import predict, serve

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
HEADERS = {"traceparent": f"00-{TRACE}-{PARENT}-01", "x-request-id": "abc-3"}


@pytest.fixture
def collected(sample_database_url: str, published_bundles: Path, sample: Sample) -> Collected:
    """What three predictions, an upload and an unknown track sent."""
    with collecting() as collector:
        with serve(sample_database_url, published_bundles, otlp_endpoint=collector.endpoint) as client:
            for _ in range(3):  # the first looks up what the others find at hand
                predict(client, charting(sample))
            rows = list(sample.chart("ph", LAST_DAY).values())
            _post(client, to_csv(rows[:195]))
            client.get("/tracks/0000000000000000000000", headers=HEADERS)
        return collector


def _post(client: TestClient, csv: bytes) -> None:
    answer = client.post("/ingest", content=csv, headers={"content-type": "text/csv"})
    assert answer.status_code == 201, answer.text


def test_a_request_is_a_span_with_route_status_and_id_below_the_callers(collected: Collected) -> None:
    [span] = collected.named("GET /tracks/{track_id}")
    found = attributes(span)
    assert found["http.route"] == "/tracks/{track_id}"
    assert found["http.request.method"] == "GET"
    assert found["http.response.status_code"] == 404
    assert found["chartcast.request_id"] == "abc-3"
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert collected.services == {"chartcast"}


def test_statements_inference_and_the_stages_of_an_upload_are_spans_below_their_requests(
    collected: Collected,
) -> None:
    predictions, [upload] = collected.named("POST /predict"), collected.named("POST /ingest")
    assert len(predictions) == 3
    for prediction in predictions:
        assert {"database.read", "inference"} <= _names_below(collected, prediction)
    assert _names_below(collected, upload) >= {"ingest.parse", "ingest.store", "SELECT", "INSERT"}
    [store] = collected.named("ingest.store")
    inserts = [span for span in collected.named("INSERT") if span.trace_id == upload.trace_id]
    of_charts = [s for s in inserts if not attributes(s)["db.query.text"].startswith("INSERT INTO audit")]
    assert {span.parent_span_id for span in of_charts} == {store.span_id}
    for span in inserts:
        assert attributes(span)["db.query.text"].startswith("INSERT INTO")
        assert span.end_time_unix_nano > span.start_time_unix_nano


def _names_below(collected: Collected, request: Any) -> set[str]:
    return {span.name for span in collected.spans if span.trace_id == request.trace_id}


def test_a_service_is_called_as_the_standard_variable_says(
    sqlite_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "charts-of-ours")
    with collecting() as collector:
        with serve(sqlite_database_url, tmp_path, otlp_endpoint=f"{collector.endpoint}/") as client:
            client.get("/healthz")
        assert collector.services == {"charts-of-ours"}


def test_a_collector_that_is_away_keeps_nobody_from_an_answer(
    sqlite_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    with serve(sqlite_database_url, tmp_path, otlp_endpoint="http://127.0.0.1:9") as client:
        assert client.get("/healthz").status_code == 200


def test_the_endpoint_is_set_by_its_standard_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    assert Settings(_env_file=None).otlp_endpoint == "http://collector:4318"  # type: ignore[call-arg]
    assert build_tracing(None) is None


def test_without_tracing_a_stage_is_the_function_alone() -> None:
    @traced("adding")
    def add(a: int, *, b: int) -> int:
        return a + b

    assert add(1, b=2) == 3


START = """
import sys
from fastapi.testclient import TestClient
from app.main import app

with TestClient(app, client=("127.0.0.1", 50000)) as client:
    assert client.get("/metrics").status_code == 200
sending = ("opentelemetry.sdk", "opentelemetry.exporter")
loaded = sorted(name for name in sys.modules if name.startswith(sending))
assert not loaded, loaded
"""


def test_without_an_endpoint_nothing_that_sends_traces_is_imported(sqlite_database_url: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    subprocess.run(
        [sys.executable, "-c", START],
        cwd=ROOT,
        env=environment | {"CHARTCAST_DATABASE_URL": sqlite_database_url},
        check=True,
        timeout=60,
    )


def test_an_endpoint_without_the_packages_is_told_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(RuntimeError, match=r"install chartcast\[tracing\], or unset it"):
        build_tracing("http://127.0.0.1:4318")
