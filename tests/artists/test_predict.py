"""Artists' forecasts: sums that add up exactly, of the tracks that chart, knowing nothing of what comes."""

import datetime as dt
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from app.forecasting.artists import artist_id, artist_key
from tests.predict.tracks import gone
from tests.sample import LAST_DAY, Row, Sample, ingest_rows
from tests.serving import predict_batch, refuse, serve

LEVELS = [50, 80, 95]


def ask(client: TestClient, artist: str, region: str | None = "ph", **fields: Any) -> dict[str, Any]:
    """The answer of an artist's forecast that must succeed."""
    answer = client.post("/predict/artist", json={"artist": artist, "region": region, **fields})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def chart_of(sample: Sample, day: dt.date = LAST_DAY) -> list[Row]:
    return list(sample.chart("ph", day).values())


def several(sample: Sample) -> str:
    """The artist with the most tracks on the last chart."""
    return Counter(row.artist for row in chart_of(sample)).most_common(1)[0][0]


def _assert_adds_up(body: dict[str, Any]) -> None:
    for step, day in enumerate(body["forecasts"]):
        parts = [track["forecasts"][step] for track in body["tracks"]]
        assert day["streams"] == sum(part["streams"] for part in parts)
        assert day["baseline_streams"] == sum(part["baseline_streams"] for part in parts)
        assert day["streams"] + day["other_streams"] == day["chart_streams"]
        assert day["share"] == pytest.approx(day["streams"] / day["chart_streams"], abs=1e-6)
        lower, upper = [0], [float("inf")]
        for interval in reversed(day["intervals"]):  # from the widest in
            assert lower[-1] <= interval["lower"] <= day["streams"] <= interval["upper"] <= upper[-1]
            lower.append(interval["lower"])
            upper.append(interval["upper"])


@given(st.data())
@settings(max_examples=5, deadline=None)
def test_tracks_artist_and_chart_add_up_exactly(forecasts: TestClient, sample: Sample, data: Any) -> None:
    as_of = data.draw(st.sampled_from([LAST_DAY, LAST_DAY - dt.timedelta(days=9)]))
    row = data.draw(st.sampled_from(chart_of(sample, as_of)))
    model = data.draw(st.sampled_from(["auto", "lstm", "baseline"]))
    body = ask(
        forecasts,
        row.artist,
        horizon=data.draw(st.integers(1, 7)),
        as_of=str(as_of),
        model=model,
        levels=LEVELS,
    )
    _assert_adds_up(body)
    own = {r.track_id for r in chart_of(sample, as_of) if artist_key(r.artist) == artist_key(row.artist)}
    assert {track["track_id"] for track in body["tracks"]} == own


def test_the_whole_chart_is_the_sum_of_all_its_tracks(forecasts: TestClient, sample: Sample) -> None:
    items = [{"track_id": row.track_id, "region": "ph"} for row in chart_of(sample)]
    alone = predict_batch(forecasts, items, horizon=2)
    for step, day in enumerate(ask(forecasts, several(sample), horizon=2)["forecasts"]):
        assert day["chart_streams"] == sum(round(one["forecasts"][step]["streams"]) for one in alone)


def test_each_track_is_forecast_as_on_its_own(forecasts: TestClient, sample: Sample) -> None:
    body = ask(forecasts, several(sample), horizon=3, levels=LEVELS)
    assert len(body["tracks"]) > 1
    items = [{"track_id": track["track_id"], "region": "ph"} for track in body["tracks"]]
    for track, alone in zip(
        body["tracks"], predict_batch(forecasts, items, horizon=3, levels=LEVELS), strict=True
    ):
        assert track["model"] == alone["model"]
        for part, day in zip(track["forecasts"], alone["forecasts"], strict=True):
            assert part["streams"] == round(day["streams"])
            assert [i["upper"] for i in part["intervals"]] == [round(i["upper"]) for i in day["intervals"]]


def test_an_interval_of_a_sum_lies_between_independence_and_full_dependence(
    forecasts: TestClient, sample: Sample
) -> None:
    body = ask(forecasts, several(sample), levels=[80])
    day, parts = body["forecasts"][0], [track["forecasts"][0] for track in body["tracks"]]
    above = [part["intervals"][0]["upper"] - part["streams"] for part in parts]
    independent = sum(distance**2 for distance in above) ** 0.5
    assert independent - 1 <= day["intervals"][0]["upper"] - day["streams"] <= sum(above) + 1
    alone = next(row.artist for row, count in _counted(sample) if count == 1)
    body = ask(forecasts, alone, levels=LEVELS)
    assert body["forecasts"][0]["intervals"] == body["tracks"][0]["forecasts"][0]["intervals"]


def _counted(sample: Sample) -> list[tuple[Row, int]]:
    counts = Counter(artist_key(row.artist) for row in chart_of(sample))
    return [(row, counts[artist_key(row.artist)]) for row in chart_of(sample)]


def test_an_id_and_every_spelling_get_the_same_answer(forecasts: TestClient, sample: Sample) -> None:
    artist = several(sample)
    expected = ask(forecasts, artist)
    assert expected["artist_id"] == artist_id(artist)
    for other in (artist.upper(), f" {artist} , Somebody", expected["artist_id"]):
        assert ask(forecasts, other) == expected


def test_the_history_is_the_sum_of_all_its_tracks_by_day(forecasts: TestClient, sample: Sample) -> None:
    artist, as_of = several(sample), LAST_DAY - dt.timedelta(days=5)
    history = ask(forecasts, artist, as_of=str(as_of), include_history=20)["history"]
    expected: Counter[str] = Counter()
    for row in sample.where(lambda r: r.region == "ph" and artist_key(r.artist) == artist_key(artist)):
        if as_of - dt.timedelta(days=20) < row.date <= as_of:
            expected[str(row.date)] += row.streams
    assert {day["date"]: day["streams"] for day in history} == dict(expected)
    assert [day["date"] for day in history] == sorted(expected)


def test_what_comes_after_as_of_changes_nothing(
    sqlite_database_url: str, published_bundles: Path, sample: Sample
) -> None:
    as_of = LAST_DAY - dt.timedelta(days=20)
    known = sample.where(lambda row: row.region == "ph" and row.date <= as_of)
    later = sample.where(lambda row: row.region == "ph" and row.date > as_of)
    shuffled = [replace(row, streams=1 + (7919 * row.streams) % 400_000) for row in later]
    artists = {row.artist for row in chart_of(sample, as_of)}
    ingest_rows(sqlite_database_url, known)
    with serve(sqlite_database_url, published_bundles) as client:
        before = {artist: ask(client, artist, as_of=str(as_of), horizon=7) for artist in list(artists)[:5]}
        ingest_rows(sqlite_database_url, shuffled)
        for artist, expected in before.items():
            assert ask(client, artist, as_of=str(as_of), horizon=7) == expected


def test_a_day_without_a_chart_takes_the_last_before_it(
    sqlite_database_url: str, published_bundles: Path, sample: Sample
) -> None:
    missing = LAST_DAY - dt.timedelta(days=1)
    ingest_rows(sqlite_database_url, sample.where(lambda r: r.region == "ph" and r.date != missing))
    with serve(sqlite_database_url, published_bundles) as client:
        body = ask(client, several(sample), as_of=str(missing))
    assert (body["as_of"], body["charting_on"]) == ("2020-12-30", "2020-12-29")
    _assert_adds_up(body)


def test_what_cannot_be_forecast_is_refused_as_a_track_is(forecasts: TestClient, sample: Sample) -> None:
    artist = several(sample)
    left = sample.days_of("ph", gone(sample))[-1]
    charting = {artist_key(row.artist) for row in chart_of(sample)}
    refusals: list[tuple[dict[str, Any], int, str]] = [
        ({"artist": "Nobody"}, 404, "GET /artists?region=ph"),
        ({"artist": artist, "region": "fr"}, 404, "fr has no charts"),
        ({"artist": artist, "as_of": "2019-01-01"}, 404, "up to 2019-01-01"),
        ({"artist": artist, "as_of": "2030-01-01"}, 422, "after 2020-12-31"),
        ({"artist": artist, "horizon": 99}, 422, "horizon"),
        ({"artist": artist, "levels": [81]}, 422, "level 81"),
        ({"artist": artist, "model": "best"}, 422, "model"),
        ({"artist": " "}, 422, "artist"),
        ({}, 422, "artist"),
    ]
    if artist_key(left.artist) not in charting:
        refusals.append(({"artist": left.artist}, 409, "nothing to add up"))
    for fields, status, said in refusals:
        problem = refuse(forecasts.post("/predict/artist", json={"region": "ph", **fields}), status)
        assert said in problem["detail"], fields


def test_an_artist_whose_tracks_have_all_left_is_refused_with_the_mend(
    forecasts: TestClient, sample: Sample
) -> None:
    charting = {artist_key(row.artist) for row in chart_of(sample)}
    left = next(r for r in sample.rows if r.region == "ph" and artist_key(r.artist) not in charting)
    problem = refuse(forecasts.post("/predict/artist", json={"artist": left.artist, "region": "ph"}), 409)
    assert f"GET /artists/{artist_id(left.artist)}" in problem["detail"]


def test_a_model_that_is_not_loaded_is_refused(sqlite_sample: Path, tmp_path: Path, sample: Sample) -> None:
    with serve(f"sqlite:///{sqlite_sample}", tmp_path / "none") as client:
        asked = {"artist": several(sample), "region": "ph", "model": "lstm"}
        assert "not loaded" in refuse(client.post("/predict/artist", json=asked), 409)["detail"]
        _assert_adds_up(ask(client, several(sample), levels=LEVELS))  # by the baseline
