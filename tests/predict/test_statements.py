"""How much SQL a prediction costs: a fixed few statements, however many tracks."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.predict.tracks import charting, debut
from tests.sample import LAST_DAY, Sample
from tests.serving import predict, predict_batch, recorded_statements

RECORDS = 1  # the region's state, the tracks' facts and days on the chart, all in one


def _items(sample: Sample, region: str) -> list[dict[str, Any]]:
    return [{"track_id": track_id, "region": region} for track_id in sample.chart(region, LAST_DAY)]


@pytest.mark.parametrize("model", ["auto", "lstm", "baseline"])
def test_a_prediction_reads_all_it_needs_in_one_statement(
    forecasts: TestClient, sample: Sample, model: str
) -> None:
    asked: dict[str, Any] = {"model": model, "horizon": 7}
    predict(forecasts, charting(sample), **asked)  # warms the market cache
    for track_id in (charting(sample), debut(sample)):
        with recorded_statements(forecasts) as statements:
            predict(forecasts, track_id, **asked)
        assert len(statements) == RECORDS, statements


@pytest.mark.parametrize("model", ["auto", "lstm", "baseline"])
def test_a_batch_of_200_costs_no_more_statements_than_one_track(
    forecasts: TestClient, sample: Sample, model: str
) -> None:
    asked: dict[str, Any] = {"model": model, "horizon": 7}
    items = _items(sample, "ph")
    predict_batch(forecasts, items, **asked)
    with recorded_statements(forecasts) as statements:
        assert len(predict_batch(forecasts, items, **asked)) == 200
    assert len(statements) == RECORDS, statements


def test_a_batch_over_two_regions_costs_one_for_each(forecasts: TestClient, sample: Sample) -> None:
    items = _items(sample, "ph") + _items(sample, "us")
    predict_batch(forecasts, items)
    with recorded_statements(forecasts) as statements:
        predict_batch(forecasts, items)
    assert len(statements) == 2 * RECORDS, statements


def test_an_as_of_in_the_past_costs_no_more(forecasts: TestClient, sample: Sample) -> None:
    items = _items(sample, "ph")
    predict_batch(forecasts, items, as_of="2020-12-20")
    with recorded_statements(forecasts) as statements:
        predict_batch(forecasts, items, as_of="2020-12-20")
    assert len(statements) == RECORDS, statements


def test_a_cold_cache_reads_the_market_once_however_many_tracks(
    sample_client: TestClient, sample: Sample
) -> None:
    with recorded_statements(sample_client) as statements:
        predict_batch(sample_client, _items(sample, "ph"), model="lstm")
    # The chart days, and the charts of two days in each of four weeks for the baseline.
    assert len(statements) == RECORDS + 1 + 2 * 4, statements
