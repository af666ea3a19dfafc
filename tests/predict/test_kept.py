"""What a serving process keeps: what can be asked for again, and nothing of requests that are answered."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.forecasting.bundle import load_bundle
from app.predict import past
from app.predict.schemas import BatchRequest, PredictRequest
from app.predict.service import _RegionBatch
from app.repository.regions import RegionState
from app.runtime import MOST_DAYS, MarketPart
from tests.predict.tracks import charting
from tests.sample import LAST_DAY, Sample, to_csv
from tests.serving import predict, predict_batch, serve

UNKNOWN = "0" * 22
OF_REQUESTS = (PredictRequest, BatchRequest, _RegionBatch)


@pytest.fixture
def app(sample_database_url: str, unseen_bundles: Path) -> Iterator[TestClient]:
    """The app with models whose past is looked up."""
    with serve(sample_database_url, unseen_bundles) as client:
        yield client


def _correct(client: TestClient, sample: Sample, times: int, region: str = "ph") -> None:
    """Upload a region's last chart as no upload had it before."""
    *others, last = sample.chart(region, LAST_DAY).values()
    chart = [*others, replace(last, streams=last.streams + times)]
    answer = client.post("/ingest", content=to_csv(chart), headers={"content-type": "text/csv"})
    assert answer.status_code == 201, answer.text


def _past_kept(client: TestClient) -> list[RegionState]:
    kept = client.app.state.predictor.past._kept  # type: ignore[attr-defined]
    return [key.region for key in kept]


@contextmanager
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _count_of_requests() -> int:
    return sum(isinstance(thing, OF_REQUESTS) for thing in gc.get_objects())


@pytest.mark.parametrize("fields", [{"model": "lstm"}, {"model": "lstm", "track_id": UNKNOWN}])
def test_what_a_request_held_goes_with_its_answer_and_waits_for_no_collector(
    app: TestClient, sample: Sample, fields: dict[str, str]
) -> None:
    """Else it stays until the collector has looked at the oldest of what there is, once in minutes."""
    asked = {"track_id": charting(sample), "region": "ph", **fields}
    with _no_collector():
        before = _count_of_requests()
        for times in (1, 2):
            app.post("/predict", json=asked)  # of what is to be looked up first, then of what is at hand
            app.post("/predict", json=asked)
            predict_batch(app, [{"track_id": asked["track_id"], "region": region} for region in ("ph", "zw")])
            _correct(app, sample, times)
        assert _count_of_requests() == before


def test_after_an_upload_the_past_of_earlier_versions_is_not_kept(app: TestClient, sample: Sample) -> None:
    us = next(iter(sample.chart("us", LAST_DAY)))
    predict(app, us, "us", model="lstm")
    for times in range(1, 6):
        _correct(app, sample, times)
        for as_of in (str(LAST_DAY), "2020-12-20"):
            predict(app, charting(sample), model="lstm", as_of=as_of)
    kept = _past_kept(app)
    assert sorted(region.code for region in kept) == ["ph", "ph", "us"]
    assert len(set(kept)) == 2


def test_a_look_back_that_fails_leaves_nothing_behind(
    app: TestClient, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(past, "read_days", None)
        assert app.post("/predict", json={"track_id": charting(sample), "model": "lstm"}).status_code >= 400
    assert not app.app.state.predictor.past._kept._under_way  # type: ignore[attr-defined]
    predict(app, charting(sample), model="lstm")
    assert not app.app.state.predictor.past._kept._under_way  # type: ignore[attr-defined]


def test_the_collector_looks_at_what_requests_left_and_not_at_what_was_there_at_the_start(
    app: TestClient,
) -> None:
    """It looks at the oldest once there is a quarter more of it than the last time; that was near nothing."""
    assert app
    before = gc.get_stats()[2]["collections"]
    held = [[number] for number in range(500_000)]
    assert gc.get_stats()[2]["collections"] > before
    del held


def test_of_the_market_so_many_days_are_kept(published_bundles: Path) -> None:
    bundle = load_bundle(published_bundles / "lstm" / "1")
    assert bundle.market_graph is not None
    market = MarketPart(bundle.market_graph, bundle.spec)
    windows = bundle.golden.inputs["covariates"]
    first = market(windows)
    for day in range(MOST_DAYS):
        market(windows + day)
    assert len(market._kept) <= MOST_DAYS
    assert (market(windows) == first).all()
