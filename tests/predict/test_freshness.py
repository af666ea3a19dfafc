"""What an upload changes, the next forecast knows."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.charts_in_store import track_id_of
from tests.predict.tracks import charting, new_without_metadata
from tests.sample import LAST_DAY, Row, Sample, to_csv
from tests.serving import predict, predict_batch, serve

DAY = dt.timedelta(days=1)
MODELS = ("lstm", "gru", "multi_input", "baseline")


def _upload(client: TestClient, rows: list[Row]) -> dict[str, Any]:
    answer = client.post("/ingest", content=to_csv(rows), headers={"content-type": "text/csv"})
    assert answer.status_code in (200, 201), answer.text
    report: dict[str, Any] = answer.json()
    return report


def _answers(client: TestClient, track_id: str, **fields: Any) -> list[dict[str, Any]]:
    return [predict(client, track_id, model=model, horizon=7, **fields) for model in MODELS]


def _relative_widths(client: TestClient, track_id: str) -> list[float]:
    """Of the baseline's widest interval, day by day: it tells how the baseline missed of late."""
    days = predict(client, track_id, model="baseline", horizon=7, levels=[95])["forecasts"]
    return [(day["intervals"][0]["upper"] - day["intervals"][0]["lower"]) / day["streams"] for day in days]


def test_a_new_day_is_known_to_the_next_forecast(sample_client: TestClient, sample: Sample) -> None:
    track_id = charting(sample)
    before = _answers(sample_client, track_id)
    chart = sample.chart("ph", LAST_DAY).values()
    _upload(sample_client, [replace(row, date=LAST_DAY + DAY, streams=2 * row.streams) for row in chart])
    after = _answers(sample_client, track_id)
    for old, new in zip(before, after, strict=True):
        assert (new["as_of"], new["last_observed"]) == ("2021-01-01", "2021-01-01")
        assert new["observed_days"] == old["observed_days"] + 1
        assert new["forecasts"][0]["target_date"] == "2021-01-02"
        assert new["forecasts"][0]["streams"] > 1.3 * old["forecasts"][0]["streams"]
    assert _answers(sample_client, track_id, as_of=str(LAST_DAY)) == before


def test_a_correction_of_an_old_day_is_known_to_the_next_forecast(
    sample_client: TestClient, sample: Sample
) -> None:
    """The track's own rows stay as they are: it is the market that changed."""
    track_id = charting(sample)
    before = _answers(sample_client, track_id)
    widths = _relative_widths(sample_client, track_id)
    chart = sample.chart("ph", LAST_DAY - 6 * DAY).values()
    corrected = [row if row.track_id == track_id else replace(row, streams=3 * row.streams) for row in chart]
    assert _upload(sample_client, corrected)["updated"] == len(corrected) - 1
    for old, new in zip(before, _answers(sample_client, track_id), strict=True):
        assert new["forecasts"] != old["forecasts"]
    assert all(new > old for new, old in zip(_relative_widths(sample_client, track_id), widths, strict=True))
    _upload(sample_client, list(chart))
    assert _answers(sample_client, track_id) == before


@pytest.mark.parametrize("changed", [LAST_DAY, LAST_DAY - 6 * DAY, LAST_DAY + DAY])
def test_every_day_ahead_is_what_a_process_says_that_never_knew_another_state(
    sample_database_url: str, published_bundles: Path, sample: Sample, changed: dt.date
) -> None:
    track_id = charting(sample)
    ask = {"track_id": track_id, "region": "ph", "model": "lstm", "horizon": 28}
    chart = sample.chart("ph", min(changed, LAST_DAY)).values()
    rows = [replace(row, date=changed, streams=row.streams * (1 + row.position)) for row in chart]
    with serve(sample_database_url, published_bundles) as client:
        before = client.post("/predict", json=ask).json()["forecasts"]
        _upload(client, rows)
        after = client.post("/predict", json=ask).json()["forecasts"]
    with serve(sample_database_url, published_bundles) as client:
        assert client.post("/predict", json=ask).json()["forecasts"] == after
    assert all(old["streams"] != new["streams"] for old, new in zip(before, after, strict=True))


def test_the_same_upload_again_changes_no_forecast(sample_client: TestClient, sample: Sample) -> None:
    track_id = charting(sample)
    before = _answers(sample_client, track_id)
    _upload(sample_client, list(sample.chart("ph", LAST_DAY).values()))
    assert _answers(sample_client, track_id) == before


def test_an_upload_of_one_region_leaves_the_others_forecasts(
    sample_client: TestClient, sample: Sample
) -> None:
    items = [{"track_id": t, "region": "us"} for t in sample.chart("us", LAST_DAY)]
    before = predict_batch(sample_client, items, horizon=7)
    chart = sample.chart("ph", LAST_DAY).values()
    _upload(sample_client, [replace(row, date=LAST_DAY + DAY, streams=9 * row.streams) for row in chart])
    assert predict_batch(sample_client, items, horizon=7) == before


def test_an_artist_corrected_on_an_unchanged_chart_is_known_to_the_next_forecast(
    sample_client: TestClient, sample: Sample
) -> None:
    """Nothing else changes: no row of a chart does, and so no version of the region."""
    track_id = new_without_metadata(sample)
    before = predict(sample_client, track_id, model="multi_input")
    chart = sample.chart("ph", LAST_DAY)
    artist = chart[track_id].artist
    joined = [replace(row, artist=f"{artist}, someone else") for row in chart.values()]
    assert _upload(sample_client, joined)["unchanged"] == len(joined)
    after = predict(sample_client, track_id, model="multi_input")
    assert after["forecasts"] != before["forecasts"]
    _upload(sample_client, list(chart.values()))
    assert predict(sample_client, track_id, model="multi_input")["forecasts"] == before["forecasts"]


def test_metadata_is_known_to_the_next_forecast(sample_client: TestClient, sample: Sample) -> None:
    track_id = new_without_metadata(sample)
    before = predict(sample_client, track_id, model="multi_input")
    assert predict(sample_client, track_id)["model"]["name"] == "gru"
    sample_client.put(f"/tracks/{track_id}/metadata", json={"energy": 0.9, "tempo": 180.0})
    after = predict(sample_client, track_id, model="multi_input")
    assert (before["metadata_used"], after["metadata_used"]) == (False, True)
    assert after["forecasts"][0]["streams"] != before["forecasts"][0]["streams"]
    assert predict(sample_client, track_id)["model"]["name"] == "multi_input"


@pytest.mark.parametrize("streams", [0, 10**12])
def test_charts_of_no_streams_and_of_very_many_get_finite_forecasts(
    database_url: str, published_bundles: Path, streams: int
) -> None:
    track_id = track_id_of("a")
    days = [dt.date(2020, 3, 1) + n * DAY for n in range(10)]
    rows = [Row("ph", day, 1, track_id, "A", "B", streams * (i % 2)) for i, day in enumerate(days)]
    with serve(database_url, published_bundles) as client:
        _upload(client, rows)
        for body in _answers(client, track_id, levels=[50, 95]):
            values = [day["streams"] for day in body["forecasts"]]
            assert all(0 <= value < 2**60 for value in values)
