"""How many statements each route sends: a fixed few, so that none grows a query for each row unseen."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.predict.tracks import charting, debut
from tests.sample import LAST_DAY, Sample, to_csv
from tests.serving import predict, predict_batch, recorded_statements, serve
from tests.small_popularity import publish_small_popularity

READS = {
    "/healthz": 0,
    "/models": 0,
    "/audit": 1,
    "/audit/1/corrections": 2,  # whether there is such an upload, its corrections
    "/metrics": 2,  # the regions, the last upload
    "/readyz": 2,  # whether there is a revision of the schema, and which
    "/charts/ph/2020-12-31": 3,  # the region, the chart's figures, its entries
    "/tracks": 3,  # the regions, a page, the regions of its tracks
    "/tracks?region=ph": 3,
    "/tracks/{track_id}": 3,  # its names, its regions, its metadata
    "/tracks/{track_id}/history?region=ph": 3,  # the region, whether it charted there, its days
    "/artists": 3,  # the regions, a page, the regions of its artists
    "/artists/{artist}": 2,  # its tracks, its days
    "/artists/{artist}?region=ph": 3,
}
NEW_TRACK = 6  # the region, the track's names, metadata and regions, its artist's tracks, their days
DESCRIBED = 3  # the region, the artist's tracks, their days
OF_REGION = 1  # its chart days
FORECASTS = 1  # the region, the tracks' facts and their days, all in one
ARTIST_FORECASTS = FORECASTS + 4  # the region, its tracks, the chart, its days asked for
UNCHANGED = {"sqlite": 6, "postgresql": 7}  # there the region is locked; the last puts it on record
CHANGED = {"sqlite": 11, "postgresql": 11}  # and the rows go by COPY, past what records


@pytest.mark.parametrize("path", READS)
def test_a_read_sends_a_fixed_few(forecasts: TestClient, sample: Sample, path: str) -> None:
    with recorded_statements(forecasts) as statements:
        track_id = charting(sample)
        artist = sample.days_of("ph", track_id)[-1].artist
        assert forecasts.get(path.format(track_id=track_id, artist=artist)).is_success
    assert len(statements) == READS[path], statements


def test_a_forecast_sends_as_many_for_a_chart_as_for_a_track(forecasts: TestClient, sample: Sample) -> None:
    items = [{"track_id": track_id, "region": "ph"} for track_id in sample.chart("ph", LAST_DAY)]
    predict(forecasts, charting(sample))
    for ask in (lambda: predict(forecasts, charting(sample)), lambda: predict_batch(forecasts, items)):
        with recorded_statements(forecasts) as statements:
            ask()
        assert len(statements) == FORECASTS, statements


def test_a_new_track_sends_a_fixed_few_and_more_where_the_region_is_new_to_the_process(
    shared_sample_url: str, sample: Sample, tmp_path: Path
) -> None:
    publish_small_popularity(tmp_path / "models", tmp_path)
    artist = next(iter(sample.chart("ph", LAST_DAY).values())).artist
    asked = {"region": "ph", "track_id": debut(sample)}
    with serve(shared_sample_url, tmp_path / "models") as client:
        for expected in (NEW_TRACK + OF_REGION, NEW_TRACK):
            with recorded_statements(client) as statements:
                assert client.post("/popularity", json=asked).is_success
            assert len(statements) == expected, statements
        with recorded_statements(client) as statements:
            assert client.post(
                "/popularity", json={"region": "ph", "features": {}, "artist": artist}
            ).is_success
        assert len(statements) == DESCRIBED, statements


def test_28_days_send_no_more_than_one_once_the_market_is_rolled_on(
    forecasts: TestClient, sample: Sample
) -> None:
    predict(forecasts, charting(sample), horizon=28)
    with recorded_statements(forecasts) as statements:
        predict(forecasts, charting(sample), horizon=28)
    assert len(statements) == FORECASTS, statements


def test_an_artists_forecast_sends_a_fixed_few(forecasts: TestClient, sample: Sample) -> None:
    artist = sample.days_of("ph", charting(sample))[-1].artist
    asked = {"artist": artist, "region": "ph", "include_history": 30}
    assert forecasts.post("/predict/artist", json=asked).is_success
    with recorded_statements(forecasts) as statements:
        assert forecasts.post("/predict/artist", json=asked).is_success
    assert len(statements) == ARTIST_FORECASTS, statements


def test_a_day_sends_a_fixed_few_and_fewer_where_it_changes_nothing(
    sample_client: TestClient, sample: Sample
) -> None:
    chart = sample.chart("ph", LAST_DAY).values()
    body = to_csv([replace(row, date=LAST_DAY + dt.timedelta(days=1)) for row in chart])
    store = sample_client.app.state.database.engine.name  # type: ignore[attr-defined]
    for status, expected in ((201, CHANGED[store]), (200, UNCHANGED[store])):
        with recorded_statements(sample_client) as statements:
            answer = sample_client.post("/ingest", content=body, headers={"content-type": "text/csv"})
        assert (answer.status_code, len(statements)) == (status, expected), statements
