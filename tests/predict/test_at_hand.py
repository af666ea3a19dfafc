"""A single request reads one statement; all else is at hand, or is read with it in one transaction."""

from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.predict.market import MarketCache
from app.predict.schemas import PredictRequest
from app.predict.service import NotAtHandError, Predictor
from tests.predict.tracks import charting
from tests.sample import Sample
from tests.serving import predict, recorded_statements, serve

MODELS = ("auto", "lstm", "baseline")


@pytest.mark.parametrize("model", MODELS)
def test_what_is_not_at_hand_is_told_and_not_read_in_another_state_of_the_store(
    forecasts: TestClient, sample: Sample, model: str
) -> None:
    state = forecasts.app.state  # type: ignore[attr-defined]
    cold: Predictor = replace(state.predictor, cache=MarketCache())
    asked = PredictRequest.model_validate({"track_id": charting(sample), "region": "ph", "model": model})
    with state.database.read() as connection, recorded_statements(forecasts) as statements:
        with pytest.raises(NotAtHandError):
            cold.predict_batch(connection, [asked], asked, at_hand=True)
        assert len(statements) == 1, statements
        cold.predict_batch(connection, [asked], asked)
        assert len(cold.predict_batch(connection, [asked], asked, at_hand=True)) == 1


def _count_forecasts(client: TestClient, model: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    counts = [line for line in lines if line.startswith(f'chartcast_forecasts_total{{model="{model}"')]
    return sum(float(line.rsplit(" ", 1)[1]) for line in counts)


@pytest.mark.parametrize("model", ["lstm", "baseline"])
def test_a_forecast_that_had_to_be_begun_again_counts_once(
    shared_sample_url: str, published_bundles: Path, sample: Sample, model: str
) -> None:
    with serve(shared_sample_url, published_bundles) as client:
        before = _count_forecasts(client, model)
        for _ in range(2):
            predict(client, charting(sample), model=model)
        assert _count_forecasts(client, model) == before + 2
