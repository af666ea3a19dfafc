"""Every field of an answer, as the contract has it."""

import datetime as dt
import math
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.predict.tracks import charting, debut, gone, off_the_chart
from tests.published_bundles import FIGURES
from tests.sample import LAST_DAY, Sample, tracks_with_metadata
from tests.serving import predict, refuse

DAY = dt.timedelta(days=1)
MODELS = ["lstm", "gru", "multi_input", "baseline"]


def test_an_answer_has_every_field_of_the_contract(forecasts: TestClient, sample: Sample) -> None:
    track_id = charting(sample, with_metadata=True)
    days = sample.days_of("ph", track_id)
    body = predict(forecasts, track_id, include_history=2)
    reason = body["model"].pop("reason")
    [forecast] = body.pop("forecasts")
    assert body == {
        "track_id": track_id,
        "track_name": days[-1].track_name,
        "artist": days[-1].artist,
        "region": "ph",
        "as_of": "2020-12-31",
        "last_observed": "2020-12-31",
        "observed_days": len(days),
        "model": {"name": "multi_input", "version": 1, "requested": "auto"},
        "metadata_used": True,
        "history": [
            {"date": str(row.date), "streams": row.streams, "position": row.position} for row in days[-2:]
        ],
    }
    assert "multi_input" in reason
    assert forecast.keys() == {"target_date", "horizon", "streams", "intervals", "baseline_streams"}
    assert (forecast["target_date"], forecast["horizon"]) == ("2021-01-01", 1)
    assert [interval["level"] for interval in forecast["intervals"]] == [80]


@pytest.mark.parametrize("model", MODELS)
def test_seven_days_are_forecast_with_intervals_that_nest_and_hold_the_median(
    forecasts: TestClient, sample: Sample, model: str
) -> None:
    for track_id in (charting(sample), debut(sample), off_the_chart(sample)):
        body = predict(forecasts, track_id, model=model, horizon=7, levels=[80, 50, 95])
        assert body["model"]["name"] == body["model"]["requested"] == model
        targets = [day["target_date"] for day in body["forecasts"]]
        assert targets == [str(LAST_DAY + step * DAY) for step in range(1, 8)]
        assert [day["horizon"] for day in body["forecasts"]] == list(range(1, 8))
        for day in body["forecasts"]:
            _assert_sound(day)


def _assert_sound(day: dict[str, Any]) -> None:
    assert [interval["level"] for interval in day["intervals"]] == [80, 50, 95]
    at_80, at_50, at_95 = day["intervals"]
    bounds = [at_95["lower"], at_80["lower"], at_50["lower"], day["streams"]]
    bounds += [at_50["upper"], at_80["upper"], at_95["upper"]]
    assert bounds == sorted(bounds)
    assert all(math.isfinite(bound) and bound >= 0 for bound in [*bounds, day["baseline_streams"]])
    assert bounds[0] < bounds[-1]


def test_a_level_asked_for_twice_is_answered_twice_by_every_model(
    forecasts: TestClient, sample: Sample
) -> None:
    for model in MODELS:
        [day] = predict(forecasts, charting(sample), model=model, levels=[95, 80, 95])["forecasts"]
        assert [interval["level"] for interval in day["intervals"]] == [95, 80, 95]
        assert day["intervals"][0] == day["intervals"][2]


@pytest.mark.parametrize("model", [*MODELS, "auto"])
def test_a_twenty_ninth_day_and_a_level_that_no_model_offers_are_refused(
    forecasts: TestClient, sample: Sample, model: str
) -> None:
    asked = {"track_id": charting(sample), "region": "ph", "model": model}
    problem = refuse(forecasts.post("/predict", json={**asked, "horizon": 29}), 422)
    [error] = problem["errors"]
    assert error["field"] == "body.horizon"
    assert "28" in error["problem"]
    problem = refuse(forecasts.post("/predict", json={**asked, "levels": [80, 42]}), 422)
    assert [error["field"] for error in problem["errors"]] == ["levels"]
    assert "42" in problem["detail"]
    assert "50, 80, 95" in problem["detail"]


@pytest.mark.parametrize("model", MODELS)
def test_a_longer_horizon_changes_nothing_of_the_days_before(
    forecasts: TestClient, sample: Sample, model: str
) -> None:
    track_id = charting(sample)
    longest = predict(forecasts, track_id, model=model, horizon=7)["forecasts"]
    for horizon in (1, 3):
        assert predict(forecasts, track_id, model=model, horizon=horizon)["forecasts"] == longest[:horizon]


def test_history_is_the_chart_days_among_the_last_so_many(forecasts: TestClient, sample: Sample) -> None:
    track_id = off_the_chart(sample)
    as_of = dt.date(2020, 12, 20)
    for n_days in (0, 1, 30, 3650):
        wanted = [
            {"date": str(row.date), "streams": row.streams, "position": row.position}
            for row in sample.days_of("ph", track_id)
            if (as_of - row.date).days in range(n_days)
        ]
        body = predict(forecasts, track_id, as_of=str(as_of), include_history=n_days)
        assert body["history"] == wanted


def test_asking_for_history_does_not_change_the_forecast(forecasts: TestClient, sample: Sample) -> None:
    track_id = charting(sample)
    bare, told = (predict(forecasts, track_id, include_history=n) for n in (0, 90))
    assert {**told, "history": []} == bare
    assert len(told["history"]) == len(sample.days_of("ph", track_id)) > 56


def test_one_observed_day_gets_a_forecast_from_every_model(forecasts: TestClient, sample: Sample) -> None:
    for model in MODELS:
        body = predict(forecasts, debut(sample), model=model, include_history=90)
        assert (body["observed_days"], len(body["history"])) == (1, 1)
        assert body["forecasts"][0]["streams"] > 0


def test_a_track_named_in_any_of_three_forms_is_the_same_track(forecasts: TestClient, sample: Sample) -> None:
    track_id = charting(sample)
    link = f"https://open.spotify.com/track/{track_id}"
    answers = [
        predict(forecasts, form) for form in (track_id, f"spotify:track:{track_id}", link, f"{link}?si=3a")
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["track_id"] == track_id


def test_a_track_off_the_chart_is_forecast_until_it_is_gone_for_longer_than_the_context(
    forecasts: TestClient, sample: Sample
) -> None:
    track_id = gone(sample)
    last = max(row.date for row in sample.days_of("ph", track_id))
    for model in MODELS:
        asked = {"track_id": track_id, "region": "ph", "model": model}
        body = predict(forecasts, track_id, model=model, as_of=str(last + 28 * DAY))
        assert body["last_observed"] == str(last)
        assert body["forecasts"][0]["target_date"] == str(last + 29 * DAY)
        answer = forecasts.post("/predict", json={**asked, "as_of": str(last + 29 * DAY)})
        problem = refuse(answer, 409)
        assert "more than 28 days before" in problem["detail"]


def test_a_track_gone_for_longer_than_all_that_is_read_is_a_conflict_too(
    forecasts: TestClient, sample: Sample
) -> None:
    tracks = sample.by_track["ph"]
    track_id = next(track_id for track_id in tracks if tracks[track_id][-1].date < dt.date(2020, 11, 1))
    refuse(forecasts.post("/predict", json={"track_id": track_id, "region": "ph"}), 409)


def test_observed_days_and_the_last_of_them_are_counted_up_to_as_of(
    forecasts: TestClient, sample: Sample
) -> None:
    track_id = off_the_chart(sample)
    rows = sample.days_of("ph", track_id)
    for row in rows[:: max(1, len(rows) // 5)]:
        known = [r for r in rows if r.date <= row.date]
        body = predict(forecasts, track_id, as_of=str(row.date))
        assert (body["observed_days"], body["last_observed"]) == (len(known), str(row.date))


def test_metadata_is_used_by_multi_input_where_there_is_any(forecasts: TestClient, sample: Sample) -> None:
    known, unknown = charting(sample, with_metadata=True), charting(sample, with_metadata=False)
    assert known in tracks_with_metadata()
    assert unknown not in tracks_with_metadata()
    for model, track_id, used in [
        ("multi_input", known, True),
        ("multi_input", unknown, False),
        ("lstm", known, False),
        ("gru", known, False),
        ("baseline", known, False),
    ]:
        body = predict(forecasts, track_id, model=model)
        assert (body["model"]["name"], body["metadata_used"]) == (model, used)


def test_the_models_answer_differently(forecasts: TestClient, sample: Sample) -> None:
    track_id = charting(sample)
    answers = {predict(forecasts, track_id, model=model)["forecasts"][0]["streams"] for model in MODELS}
    assert len(answers) == len(MODELS)
    assert FIGURES["ph"].keys() < set(MODELS)
