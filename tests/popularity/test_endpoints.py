"""``POST /popularity``: answers as of the eve of the entry, and what it refuses."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.forecasting.spec import FEATURES
from tests.panels import build_panel_of_rows
from tests.sample import LAST_DAY, Row, Sample, ingest_metadata, ingest_rows, tracks_with_metadata
from tests.serving import refuse, serve
from tests.small_popularity import MEANINGS, answer_rows, publish_small_popularity
from training.systems.popularity.rows import build_rows

UNKNOWN = "Z" * 22


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("popularity")
    publish_small_popularity(folder / "models", folder)
    return folder / "models"


@pytest.fixture(scope="module")
def client(shared_sample_url: str, models_dir: Path) -> Iterator[TestClient]:
    with serve(shared_sample_url, models_dir) as started:
        yield started


def _ask(client: TestClient, **fields: Any) -> dict[str, Any]:
    answer = client.post("/popularity", json={"region": "ph", **fields})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _newcomers(sample: Sample) -> list[list[Row]]:
    """The days of each track that came after the Philippine chart's 60th day, the first of them first."""
    first = min(row.date for row in sample.rows)
    found = [rows for rows in sample.by_track["ph"].values() if (rows[0].date - first).days >= 60]
    return sorted(found, key=lambda rows: (rows[0].date, rows[0].track_id))


def _with_metadata(sample: Sample) -> list[Row]:
    known = tracks_with_metadata()
    return next(rows for rows in _newcomers(sample) if rows[0].track_id in known)


def test_an_answer_has_everything_that_is_promised(client: TestClient, sample: Sample) -> None:
    rows = _with_metadata(sample)
    body = _ask(client, track_id=rows[0].track_id)
    assert sum(body["probabilities"].values()) == pytest.approx(1, abs=2e-4)
    assert body["class"] == max(body["probabilities"], key=body["probabilities"].get)
    assert 0 <= body["score"] <= 1
    assert 1 <= body["expected_peak_position"] <= 200
    assert body["model"] == {"name": "popularity", "version": 1, "trained_through": "2020-09-30"}
    assert body["classes"] == MEANINGS
    assert body["charted_on"] == rows[0].date.isoformat()
    assert body["as_of"] == (rows[0].date - dt.timedelta(days=1)).isoformat()
    assert (body["track_id"], body["artist"]) == (rows[0].track_id, rows[0].artist)
    assert set(body["features_used"]) <= set(FEATURES) - {"time_signature"}


def test_the_numbers_are_those_that_training_makes_of_the_same_track(
    client: TestClient, sample: Sample
) -> None:
    panel = build_panel_of_rows(sample.where(lambda row: row.region == "ph"))
    learned = build_rows([panel])
    without = [rows for rows in _newcomers(sample) if rows[0].track_id not in tracks_with_metadata()]
    assert len(without) >= 5
    said = answer_rows(learned.inputs.astype(float))
    for rows in without:
        body = _ask(client, track_id=rows[0].track_id)
        on_the_day = said[learned.entries == np.datetime64(rows[0].date)]
        scores = [body["probabilities"]["low"], body["score"], (201 - body["expected_peak_position"]) / 200]
        assert np.isclose(on_the_day[:, [0, 3, 4]], scores, atol=3e-4).all(axis=1).any()


def test_of_a_track_that_has_charted_nothing_is_read_from_its_first_day_on(
    client: TestClient, sample: Sample, sqlite_database_url: str, models_dir: Path
) -> None:
    rows = _with_metadata(sample)
    eve = rows[0].date - dt.timedelta(days=1)
    ingest_rows(sqlite_database_url, sample.where(lambda row: row.date <= eve))
    ingest_metadata(sqlite_database_url)
    now = _ask(client, track_id=rows[0].track_id)
    with serve(sqlite_database_url, models_dir) as then:
        before = _ask(then, track_id=rows[0].track_id)
    assert before["charted_on"] is None
    told_later = {"charted_on", "track_name", "artist"}  # names came with the charts
    if now["artist_tracks"] == before["artist_tracks"]:
        same = now.keys() - told_later
        assert {name: now[name] for name in same} == {name: before[name] for name in same}
    else:
        pytest.fail("the artist was known before")


def test_a_track_described_is_answered_as_the_same_track_stored(client: TestClient, sample: Sample) -> None:
    rows = _with_metadata(sample)
    stored = client.get(f"/tracks/{rows[0].track_id}").json()["metadata"]
    described = {
        "features": {name: stored[name] for name in FEATURES},
        "artist": rows[0].artist,
        "release_date": stored["release_date"],
        "as_of": (rows[0].date - dt.timedelta(days=1)).isoformat(),
    }
    by_id, by_features = _ask(client, track_id=rows[0].track_id), _ask(client, **described)
    own = {"track_id", "track_name", "charted_on"}
    assert {k: v for k, v in by_features.items() if k not in own} == {
        k: v for k, v in by_id.items() if k not in own
    }
    assert (by_features["track_id"], by_features["charted_on"]) == (None, None)


def test_a_track_of_which_nothing_is_known_is_answered_as_of_the_last_day(client: TestClient) -> None:
    body = _ask(client, features={})
    assert (body["as_of"], body["features_used"], body["artist_tracks"]) == (LAST_DAY.isoformat(), [], 0)
    assert not body["release_date_used"]
    assert not body["artist_history_used"]
    assert body != _ask(client, features={"energy": 0.9})


def test_the_artists_tracks_count_as_far_as_they_had_come(client: TestClient, sample: Sample) -> None:
    artist = next(row.artist for row in sample.chart("ph", LAST_DAY).values())
    first = min(row.date for row in sample.rows)
    for day in (first, LAST_DAY):
        known = {
            row.track_id
            for row in sample.where(lambda row: row.region == "ph" and row.artist == artist)
            if row.date <= day
        }
        body = _ask(client, features={}, artist=artist.upper(), as_of=day.isoformat())
        assert body["artist_tracks"] == len(known)
        assert body["artist_history_used"] == bool(known)


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "neither": ({}, 422, "send a track_id, or features"),
    "both": ({"track_id": UNKNOWN, "features": {}}, 422, "either track_id or features"),
    "an artist of a track id": ({"track_id": UNKNOWN, "artist": "Ada"}, 422, "go with features"),
    "a feature out of its range": ({"features": {"energy": 2}}, 422, "less than or equal to 1"),
    "a feature that is none": ({"features": {"popularity": 80}}, 422, "Extra inputs"),
    "a release date that is none": ({"features": {}, "release_date": "soon"}, 422, "send YYYY"),
    "a day that is yet to come": ({"features": {}, "as_of": "2021-02-01"}, 422, "lies after"),
    "a day before all charts": ({"features": {}, "as_of": "2017-02-01"}, 422, "lies before"),
    "a track that nobody has seen": ({"track_id": UNKNOWN}, 404, "has had track"),
    "a region without charts": ({"features": {}, "region": "fr"}, 404, "has no charts"),
}


@pytest.mark.parametrize(("asked", "status", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_answered_is_refused_with_the_reason(
    client: TestClient, asked: dict[str, Any], status: int, said: str
) -> None:
    problem = refuse(client.post("/popularity", json={"region": "ph", **asked}), status)
    assert said in str(problem)


def test_a_track_of_the_first_chart_there_is_has_no_eve(client: TestClient, sample: Sample) -> None:
    first = min(row.date for row in sample.rows)
    track_id = next(iter(sample.chart("ph", first)))
    problem = refuse(client.post("/popularity", json={"region": "ph", "track_id": track_id}), 409)
    assert "first chart there is" in problem["detail"]


def test_without_a_model_it_says_so(shared_sample_url: str, tmp_path: Path) -> None:
    with serve(shared_sample_url, tmp_path) as bare:
        problem = refuse(bare.post("/popularity", json={"region": "ph", "features": {}}), 409)
    assert "No model popularity is loaded" in problem["detail"]
