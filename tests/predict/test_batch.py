"""Batches: the single answers, in the order asked, a problem in the place of each that has none."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.charts_in_store import track_id_of
from tests.predict.tracks import charting, gone
from tests.sample import LAST_DAY, REGIONS, Sample
from tests.serving import predict, predict_batch, refuse


def _items(sample: Sample, per_region: int) -> list[dict[str, Any]]:
    """Tracks of both regions by turns."""
    charts = [list(sample.chart(region, LAST_DAY))[:per_region] for region in REGIONS]
    pairs = zip(*charts, strict=True)
    return [{"track_id": t, "region": r} for pair in pairs for t, r in zip(pair, REGIONS, strict=True)]


@pytest.mark.parametrize("model", ["auto", "lstm", "gru", "multi_input", "baseline"])
def test_a_batch_answers_exactly_what_single_requests_do_and_in_their_order(
    forecasts: TestClient, sample: Sample, model: str
) -> None:
    items = _items(sample, 100)
    asked: dict[str, Any] = {"model": model, "horizon": 7, "levels": [95, 50], "include_history": 3}
    results = predict_batch(forecasts, items, **asked)
    assert [(r["track_id"], r["region"]) for r in results] == [(i["track_id"], i["region"]) for i in items]
    for index in (0, 1, 63, 64, 65, 128, 199):
        assert results[index] == predict(forecasts, **items[index], **asked)
    if model == "auto":
        assert len({result["model"]["name"] for result in results}) > 1


def test_an_item_asked_for_twice_is_answered_twice(forecasts: TestClient, sample: Sample) -> None:
    item = {"track_id": charting(sample), "region": "ph"}
    link = {**item, "track_id": f"spotify:track:{item['track_id']}"}
    results = predict_batch(forecasts, [item, *_items(sample, 2), link, item])
    assert len(results) == 7
    assert results[0] == results[5] == results[6] == predict(forecasts, **item)


def test_items_without_an_answer_hold_their_problem_and_the_others_are_answered(
    forecasts: TestClient, sample: Sample
) -> None:
    good = {"track_id": charting(sample), "region": "ph"}
    bad: list[tuple[dict[str, Any], int]] = [
        ({"track_id": track_id_of("z"), "region": "ph"}, 404),
        ({"track_id": good["track_id"], "region": "se"}, 404),
        ({"track_id": gone(sample), "region": "ph"}, 409),
        ({"track_id": good["track_id"]}, 422),
    ]
    items = [good, *(item for item, _ in bad), good]
    answer = forecasts.post("/predict/batch", json={"items": items}, headers={"x-request-id": "mine"})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert results[0] == results[-1] == predict(forecasts, **good)
    for (item, status), result in zip(bad, results[1:-1], strict=True):
        assert result.keys() == {"track_id", "region", "problem"}
        assert (result["track_id"], result["region"]) == (item["track_id"], item.get("region"))
        alone = refuse(forecasts.post("/predict", json=item, headers={"x-request-id": "mine"}), status)
        assert result["problem"] == {"errors": None, **alone, "instance": "/predict/batch"}


def test_what_every_item_asks_too_much_of_is_every_items_problem(
    forecasts: TestClient, sample: Sample
) -> None:
    for fields in ({"levels": [42]}, {"as_of": "2021-01-01"}):
        results = predict_batch(forecasts, _items(sample, 2), **fields)
        assert [result["problem"]["status"] for result in results] == [422] * 4
    asked = {"items": _items(sample, 2), "horizon": 29}
    assert refuse(forecasts.post("/predict/batch", json=asked), 422)["errors"][0]["field"] == "body.horizon"


def test_a_thousand_items_are_taken_and_one_more_is_refused(forecasts: TestClient, sample: Sample) -> None:
    items = (_items(sample, 200) * 3)[:1001]
    results = predict_batch(forecasts, items[:1000])
    assert len(results) == 1000
    assert all("forecasts" in result for result in results)
    problem = refuse(forecasts.post("/predict/batch", json={"items": items}), 422)
    assert problem["errors"][0]["field"] == "body.items"
    assert "1000" in problem["detail"]


def test_a_batch_without_items_or_with_one_that_is_malformed_is_refused_whole(
    forecasts: TestClient, sample: Sample
) -> None:
    good = {"track_id": charting(sample), "region": "ph"}
    for body, field in [
        ({}, "body.items"),
        ({"items": []}, "body.items"),
        ({"items": good}, "body.items"),
        ({"items": [good, {"track_id": "short"}]}, "body.items.1.track_id"),
        ({"items": [good, {**good, "horizon": 2}]}, "body.items.1.horizon"),
        ({"items": [good], "track_id": good["track_id"]}, "body.track_id"),
    ]:
        problem = refuse(forecasts.post("/predict/batch", json=body), 422)
        assert [error["field"] for error in problem["errors"]] == [field]
