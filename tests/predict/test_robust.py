"""Whatever is uploaded, the service answers with the models that ship, and soundly."""

import math
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.config import SHIPPED_BUNDLES
from tests.sample import LAST_DAY, Row, Sample, to_csv
from tests.serving import predict_batch, serve
from tests.troubles import TROUBLES, good_rows

MODELS = ("lstm", "gru", "multi_input", "baseline")


def _upload(client: TestClient, rows: list[Row]) -> dict[str, Any]:
    answer = client.post("/ingest", content=to_csv(rows), headers={"content-type": "text/csv"})
    assert answer.status_code in (200, 201), answer.text
    report: dict[str, Any] = answer.json()
    return report


def _forecast(client: TestClient, rows: list[Row], model: str) -> list[dict[str, Any]]:
    """The answers for every track on the last chart."""
    items = [{"track_id": row.track_id, "region": "ph"} for row in rows if row.date == LAST_DAY]
    return predict_batch(client, items, model=model, horizon=7, levels=[50, 80, 95])


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_troubled_chart_is_taken_and_forecast_soundly(
    sqlite_database_url: str, sample: Sample, trouble: str
) -> None:
    rows = TROUBLES[trouble](good_rows(sample))
    streams = {row.track_id: row.streams for row in rows if row.date == LAST_DAY}
    usual = {track_id: _usual(rows, track_id) for track_id in streams}
    with serve(sqlite_database_url, SHIPPED_BUNDLES) as client:
        assert _upload(client, rows)["inserted"] == len(rows)
        for model in MODELS:
            answers = _forecast(client, rows, model)
            assert len(answers) == len(streams)
            for answer in answers:
                for day in answer["forecasts"]:
                    _assert_sound(day, streams[answer["track_id"]], usual[answer["track_id"]])


def _usual(rows: list[Row], track_id: str) -> float:
    """The middle of the week before the last day."""
    week = range(1, 8)
    before = [r.streams for r in rows if r.track_id == track_id and (LAST_DAY - r.date).days in week]
    return float(np.median(before)) if before else float("inf")


def _assert_sound(day: dict[str, Any], last: int, usual: float) -> None:
    at_50, at_80, at_95 = day["intervals"]
    bounds = [at_95["lower"], at_80["lower"], at_50["lower"], day["streams"]]
    bounds += [at_50["upper"], at_80["upper"], at_95["upper"]]
    assert bounds == sorted(bounds)
    assert all(math.isfinite(bound) and bound >= 0 for bound in [*bounds, day["baseline_streams"]])
    if last == 0:
        assert day["streams"] <= 20
        return
    assert last / 20 - 0.01 <= day["streams"] <= 20 * last  # answers have two decimals
    assert day["streams"] <= 3 * day["baseline_streams"] + 0.01
    from_usual = min(1.0, usual / last)  # from a spike it may fall back
    assert day["streams"] >= from_usual * day["baseline_streams"] / 3 - 0.01


def test_a_day_uploaded_twice_is_a_day_uploaded_once(sqlite_database_url: str, sample: Sample) -> None:
    rows = good_rows(sample)
    last = [row for row in rows if row.date == LAST_DAY]
    with serve(sqlite_database_url, SHIPPED_BUNDLES) as client:
        _upload(client, rows)
        before = [_forecast(client, rows, model) for model in MODELS]
        report = _upload(client, last)
        assert (report["inserted"], report["unchanged"]) == (0, len(last))
        assert [_forecast(client, rows, model) for model in MODELS] == before
