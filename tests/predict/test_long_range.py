"""Forecasts of up to 28 days over HTTP: the first week as before, the others from it."""

import datetime as dt
import shutil
from itertools import pairwise
from pathlib import Path
from threading import get_ident
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from app.forecasting.long_range import roll
from app.forecasting.recursion import blend_with_recursive
from app.forecasting.rolling import count_blocks
from app.forecasting.sample_paths import draw_scores
from tests.predict.tracks import charting, debut, off_the_chart
from tests.sample import LAST_DAY, Row, Sample, ingest_metadata, ingest_rows
from tests.serving import predict, predict_batch, serve

MODELS = ("multi_input", "lstm", "gru", "baseline")
LONG: dict[str, Any] = {"horizon": 28, "levels": [50, 80, 95]}
CUTOFF = dt.date(2020, 12, 10)


@pytest.mark.parametrize("model", MODELS)
def test_the_first_week_of_28_days_is_the_week_that_was_asked_for_alone(
    forecasts: TestClient, sample: Sample, model: str
) -> None:
    for track_id in (charting(sample), debut(sample), off_the_chart(sample)):
        week = predict(forecasts, track_id, model=model, **LONG | {"horizon": 7})["forecasts"]
        days = predict(forecasts, track_id, model=model, **LONG)["forecasts"]
        assert days[:7] == week
        assert [day["horizon"] for day in days] == list(range(1, 29))
        assert days[-1]["target_date"] == str(LAST_DAY + dt.timedelta(days=28))
        assert predict(forecasts, track_id, model=model, **LONG | {"horizon": 17})["forecasts"] == days[:17]


@pytest.mark.parametrize("model", MODELS)
def test_intervals_nest_hold_the_median_and_those_of_models_grow_no_narrower(
    forecasts: TestClient, sample: Sample, model: str
) -> None:
    for track_id in (charting(sample), debut(sample), off_the_chart(sample)):
        days = predict(forecasts, track_id, model=model, **LONG)["forecasts"]
        for day in days:
            inner = day["streams"], day["streams"]
            for bounds in day["intervals"]:
                assert bounds["lower"] <= inner[0] <= inner[1] <= bounds["upper"]
                inner = bounds["lower"], bounds["upper"]
            assert day["baseline_streams"] > 0
        if model != "baseline":
            for day, after in pairwise(days[6:]):
                for near, far in zip(day["intervals"], after["intervals"], strict=True):
                    assert far["upper"] / after["streams"] >= near["upper"] / day["streams"] * 0.9999
                    assert far["lower"] / after["streams"] <= near["lower"] / day["streams"] * 1.0001


def test_a_batch_of_28_days_says_what_single_requests_do(forecasts: TestClient, sample: Sample) -> None:
    tracks = [*sorted(sample.chart("ph", LAST_DAY))[:30], debut(sample), off_the_chart(sample)]
    items = [{"track_id": track_id, "region": "ph"} for track_id in tracks]
    for result in predict_batch(forecasts, items, **LONG)[::5]:
        alone = predict(forecasts, result["track_id"], **LONG)
        for day, expected in zip(result["forecasts"], alone["forecasts"], strict=True):
            assert day["streams"] == pytest.approx(expected["streams"], rel=1e-4)
            for bounds, wanted in zip(day["intervals"], expected["intervals"], strict=True):
                assert bounds == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("model", ["lstm", "multi_input"])
def test_28_days_over_http_are_those_of_the_backtest(
    forecasts: TestClient, shared_sample_url: str, published_bundles: Path, model: str
) -> None:
    from training.bundles import start_bundle
    from training.data import read_store
    from training.recursion import roll_panel

    forecaster = start_bundle(published_bundles / model / "1").forecaster
    panel = next(panel for panel in read_store(shared_sample_url) if panel.region == "ph")
    cutoff = int((np.datetime64(CUTOFF) - panel.days[0]).astype(int))
    tracks = np.flatnonzero(np.isfinite(panel.streams[:, cutoff]))
    cutoffs, track_ids = np.full(len(tracks), cutoff), [panel.track_ids[track] for track in tracks]
    history = panel.history(tracks, cutoffs, forecaster.grid_length)
    market = roll_panel(panel, forecaster, history, cutoff)
    direct = forecaster.forecast(history, panel.covariates)
    expected = roll(
        forecaster,
        history,
        market,
        blend_with_recursive(forecaster, history, market, direct, 7),
        horizon=28,
        scores=draw_scores("ph", str(CUTOFF), track_ids, count_blocks(forecaster.spec)),
        observed_days=panel.observed_days(tracks, cutoffs),
        factors=None,  # the bundles say that they learned from these days
    )
    items = [{"track_id": track_id, "region": "ph"} for track_id in track_ids]
    served = predict_batch(forecasts, items, model=model, as_of=str(CUTOFF), **LONG)
    lower, upper = expected.interval(95)
    for row, result in enumerate(served):
        days = result["forecasts"]
        assert [day["streams"] for day in days] == pytest.approx(expected.median[row], rel=1e-4, abs=0.01)
        bounds = [(day["intervals"][2]["lower"], day["intervals"][2]["upper"]) for day in days]
        assert [low for low, _ in bounds] == pytest.approx(lower[row], rel=1e-4, abs=0.01)
        assert [high for _, high in bounds] == pytest.approx(upper[row], rel=1e-4, abs=0.01)


def test_28_days_are_not_worked_out_on_the_event_loop(forecasts: TestClient, sample: Sample) -> None:
    assert forecasts.portal is not None
    loop, seen = forecasts.portal.call(get_ident), set()

    def record(*_: Any) -> None:
        seen.add(get_ident())

    engine = forecasts.app.state.database.engine  # type: ignore[attr-defined]
    event.listen(engine, "before_cursor_execute", record)
    try:
        for model in ("lstm", "baseline"):
            predict(forecasts, charting(sample), model=model, horizon=8)
    finally:
        event.remove(engine, "before_cursor_execute", record)
    assert seen
    assert loop not in seen


@pytest.fixture(scope="module")
def head(sample: Sample) -> Sample:
    """The first 60 places of the Philippines' charts."""
    return Sample(tuple(sample.where(lambda row: row.position <= 60 and row.region == "ph")))


def test_what_comes_later_changes_no_byte_and_neither_does_another_process(
    sqlite_template: Path, tmp_path: Path, unseen_bundles: Path, head: Sample
) -> None:
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'store.db')}"
    ingest_rows(url, head.where(lambda row: row.date <= CUTOFF))
    ingest_metadata(url)
    with serve(url, unseen_bundles) as client:
        before = _answers(client, head)
        later = head.where(lambda row: row.date > CUTOFF)
        ingest_rows(url, [_spoilt(row) for row in later])
        assert _answers(client, head) == before
    with serve(url, unseen_bundles) as client:
        assert _answers(client, head) == before


def _spoilt(row: Row) -> Row:
    return Row(
        row.region, row.date, 61 - row.position, row.track_id, row.track_name, row.artist, row.streams * 7
    )


def _answers(client: TestClient, head: Sample) -> list[bytes]:
    asked = [
        {"track_id": track_id, "region": "ph", "model": model, "as_of": str(CUTOFF)} | LONG
        for track_id in sorted(head.chart("ph", CUTOFF))[:4]
        for model in MODELS
    ]
    answers = [client.post("/predict", json=body) for body in asked]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.content for answer in answers]


@pytest.mark.parametrize("model", MODELS)
def test_a_region_with_one_day_of_one_track_gets_28_days(
    sqlite_database_url: str, published_bundles: Path, model: str
) -> None:
    day = dt.date(2020, 6, 1)
    track_id = "0" * 22
    ingest_rows(sqlite_database_url, [Row("ph", day, 1, track_id, "A", "B", 1000)])
    with serve(sqlite_database_url, published_bundles) as client:
        days = predict(client, track_id, model=model, **LONG)["forecasts"]
    assert len(days) == 28
    assert all(day["streams"] >= 0 for day in days)
