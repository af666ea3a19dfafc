"""Forecasts of 2 to 7 days over HTTP: their market is rolled on once, and not on the event loop."""

from threading import get_ident
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.forecasting.rolling import roll_chart
from tests.predict.tracks import charting
from tests.sample import LAST_DAY, Sample
from tests.serving import predict, predict_batch


def test_the_market_is_rolled_on_once_and_not_on_the_event_loop(
    sample_client: TestClient, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def record(*args: Any) -> Any:
        threads.append(get_ident())
        return roll_chart(*args)

    monkeypatch.setattr("app.predict.rolled.roll_chart", record)
    assert sample_client.portal is not None
    loop = sample_client.portal.call(get_ident)
    predict(sample_client, charting(sample), model="lstm", horizon=1)
    assert threads == []
    for horizon in (2, 7, 28):
        predict(sample_client, charting(sample), model="lstm", horizon=horizon)
    assert len(threads) == 1
    assert loop not in threads


@pytest.mark.parametrize("model", ["lstm", "multi_input"])
def test_each_day_of_a_week_is_the_one_that_is_asked_for_alone(
    forecasts: TestClient, sample: Sample, model: str
) -> None:
    week = predict(forecasts, charting(sample), model=model, horizon=7)["forecasts"]
    for horizon in range(1, 7):
        assert (
            predict(forecasts, charting(sample), model=model, horizon=horizon)["forecasts"] == week[:horizon]
        )


def test_a_batch_of_a_week_says_what_single_requests_do(forecasts: TestClient, sample: Sample) -> None:
    tracks = sorted(sample.chart("ph", LAST_DAY))[:40]
    results = predict_batch(forecasts, [{"track_id": t, "region": "ph"} for t in tracks], horizon=7)
    for result in results[::8]:
        alone = predict(forecasts, result["track_id"], horizon=7)
        for day, expected in zip(result["forecasts"], alone["forecasts"], strict=True):
            assert day["streams"] == pytest.approx(expected["streams"], rel=1e-5)
