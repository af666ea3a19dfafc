"""Single requests that come at the same time: answered together, each as if it were alone."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from app.predict import endpoints
from app.predict.batcher import MOST, _count_first
from app.predict.schemas import PredictRequest
from tests.predict.tracks import charting, off_the_chart
from tests.sample import LAST_DAY, Sample
from tests.serving import predict, recorded_statements, refuse

UNKNOWN = "0" * 22
RECORDS = 1  # of all tracks, and the region's state with them


def _ask_at_once(client: TestClient, bodies: list[dict[str, Any]]) -> list[httpx.Response]:
    """All of them sent before any is answered."""

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(client.app, raise_app_exceptions=False, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as together:
            return await asyncio.gather(*(together.post("/predict", json=body) for body in bodies))

    assert client.portal is not None
    return client.portal.call(ask)


def _bodies(sample: Sample, **fields: Any) -> list[dict[str, Any]]:
    tracks = sorted(sample.chart("ph", LAST_DAY))
    return [{"track_id": track_id, "region": "ph", **fields} for track_id in tracks]


def _approximately(body: Any) -> Any:
    """An answer whose numbers may differ in the last of a float's digits, as those of a batch do."""
    if isinstance(body, dict):
        return {key: _approximately(value) for key, value in body.items()}
    if isinstance(body, list):
        return [_approximately(value) for value in body]
    return pytest.approx(body, rel=1e-5, abs=0.011) if isinstance(body, float) else body


def test_each_is_answered_as_if_alone_whatever_the_others_ask(forecasts: TestClient, sample: Sample) -> None:
    asked: list[dict[str, Any]] = [
        {},
        {"horizon": 7, "levels": [50, 95]},
        {"model": "lstm"},
        {"model": "baseline", "horizon": 3},
        {"as_of": "2020-12-20", "include_history": 5},
    ]
    bodies = [body | asked[i % len(asked)] for i, body in enumerate(_bodies(sample)[:30])]
    bodies = [body for body in bodies if forecasts.post("/predict", json=body).is_success]
    assert len(bodies) > 20
    alone = [forecasts.post("/predict", json=body).json() for body in bodies]
    for answer, expected in zip(_ask_at_once(forecasts, bodies), alone, strict=True):
        assert answer.json() == _approximately(expected)


def test_those_that_ask_alike_are_read_together(forecasts: TestClient, sample: Sample) -> None:
    bodies = _bodies(sample)[:MOST]
    predict(forecasts, charting(sample))
    with recorded_statements(forecasts) as statements:
        answers = _ask_at_once(forecasts, bodies)
    assert [answer.status_code for answer in answers] == [200] * MOST
    # The first may find itself alone, where the store is read in a thread.
    assert len(statements) in (RECORDS, 2 * RECORDS), statements


def test_one_that_has_to_be_looked_up_first_keeps_the_others_from_nothing(
    forecasts: TestClient, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = _bodies(sample)[:20]
    forecasts.post("/predict", json=bodies[0])
    looked_up: list[str] = []
    predict_alone = endpoints._predict

    def record(database: Any, predictor: Any, asked: PredictRequest) -> Any:
        looked_up.append(asked.track_id)
        return predict_alone(database, predictor, asked)

    monkeypatch.setattr(endpoints, "_predict", record)
    cold = {"track_id": off_the_chart(sample), "region": "ph"}  # whose last day nobody asked about yet
    forecasts.app.state.predictor.cache._growth.clear()  # type: ignore[attr-defined]
    forecasts.post("/predict", json=bodies[0])
    looked_up.clear()
    answers = _ask_at_once(forecasts, [*bodies, cold])
    assert {answer.status_code for answer in answers} == {200}
    assert looked_up == [cold["track_id"]]


def test_a_week_weighs_as_seven_days() -> None:
    def wait(horizon: int) -> Any:
        asked = PredictRequest(track_id="0" * 22, horizon=horizon)
        return asked, None, None

    assert _count_first([wait(1)] * 100) == MOST
    assert _count_first([wait(7)] * 100) == 9
    assert _count_first([wait(7), *[wait(1)] * 100]) == MOST - 6
    assert _count_first([wait(28)] * 3) == 2
    assert _count_first([]) == 1


def test_more_than_a_batch_takes_are_answered_all_the_same(forecasts: TestClient, sample: Sample) -> None:
    bodies = _bodies(sample)
    answers = _ask_at_once(forecasts, bodies)
    assert [answer.json()["track_id"] for answer in answers] == [body["track_id"] for body in bodies]


def test_one_that_is_refused_takes_no_other_with_it(forecasts: TestClient, sample: Sample) -> None:
    good = {"track_id": charting(sample), "region": "ph"}
    bad: dict[int, dict[str, Any]] = {
        404: good | {"track_id": UNKNOWN},
        422: good | {"as_of": "2030-01-01"},
    }
    answers = _ask_at_once(forecasts, [good, *bad.values(), good | {"region": "de"}, good])
    assert [answer.status_code for answer in answers] == [200, 404, 422, 404, 200]
    for answer in answers[1:4]:
        refuse(answer, answer.status_code)


def test_where_the_store_fails_each_is_told(sample_client: TestClient, sample: Sample) -> None:
    predict(sample_client, charting(sample))
    database = sample_client.app.state.database  # type: ignore[attr-defined]
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE track_regions RENAME TO lost")
    answers = _ask_at_once(sample_client, _bodies(sample)[:8])
    assert {answer.status_code for answer in answers} == {503}
    with database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE lost RENAME TO track_regions")
    assert predict(sample_client, charting(sample))["track_id"] == charting(sample)


def test_one_that_gives_up_holds_up_no_other(forecasts: TestClient, sample: Sample) -> None:
    body = {"track_id": charting(sample), "region": "ph"}

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(forecasts.app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as together:
            hasty = [asyncio.create_task(together.post("/predict", json=body)) for _ in range(5)]
            patient = [asyncio.create_task(together.post("/predict", json=body)) for _ in range(5)]
            await asyncio.sleep(0)
            for task in hasty:
                task.cancel()
            return await asyncio.gather(*patient)

    assert forecasts.portal is not None
    assert [answer.status_code for answer in forecasts.portal.call(ask)] == [200] * 5
