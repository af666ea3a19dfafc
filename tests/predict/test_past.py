"""What calibration and ``auto`` go by: forecasts as of their own days, of weights new to their targets."""

import datetime as dt
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from app.database import Database, build_engine
from app.models import IssuedForecast
from app.repository.charts import lock_regions
from tests.predict.tracks import charting, debut
from tests.published_bundles import copy_as_unseen
from tests.sample import LAST_DAY, Row, Sample, ingest_rows
from tests.serving import predict, recorded_statements, serve
from tests.small_bundles import publish_small

DAY = dt.timedelta(days=1)
SPREAD = 0.5  # of the outermost quantiles, in tenths of log streams
WIDE: dict[str, Any] = {"horizon": 7, "levels": [50, 80, 95]}


@pytest.fixture
def store(sample_database_url: str) -> Iterator[Database]:
    """The store with the sample, looked into beside the app."""
    opened = Database(build_engine(sample_database_url))
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models that never saw the sample's days, and think that every track grows by a third a day."""
    folder = tmp_path_factory.mktemp("models")
    for answer, name in enumerate(("multi_input", "lstm", "gru"), start=2):
        publish_small(folder, name, answer=answer / 2, spread=SPREAD)
    return folder


@pytest.fixture
def app(sample_database_url: str, unseen: Path) -> Iterator[TestClient]:
    """The app with those."""
    with serve(sample_database_url, unseen) as client:
        yield client


def _kept(store: Database, region: str = "ph", model: str = "lstm") -> list[dt.date]:
    """The cutoffs of the forecasts that are kept."""
    statement = select(IssuedForecast.cutoff).where(
        IssuedForecast.region == region, IssuedForecast.model == model
    )
    with store.read() as connection:
        return sorted(connection.scalars(statement))


def _width(body: dict[str, Any]) -> float:
    """Of the widest interval of the next day, over the point."""
    day = body["forecasts"][0]
    return float((day["intervals"][-1]["upper"] - day["intervals"][-1]["lower"]) / day["streams"])


def _next_chart(sample: Sample, factor: int = 1) -> list[Row]:
    chart = sample.chart("ph", LAST_DAY).values()
    return [replace(row, date=LAST_DAY + DAY, streams=factor * row.streams) for row in chart]


def test_the_charts_of_the_last_60_target_days_are_forecast_as_of_their_own_days_and_kept(
    app: TestClient, store: Database, sample: Sample
) -> None:
    predict(app, charting(sample), model="lstm")
    assert _kept(store) == [LAST_DAY - n * DAY for n in range(66, 0, -1)]
    assert _kept(store, "us") == _kept(store, model="gru") == []


def test_a_new_day_costs_one_chart_and_deletes_nothing(
    app: TestClient, store: Database, sample_database_url: str, sample: Sample
) -> None:
    predict(app, charting(sample), model="lstm")
    before = _kept(store)
    ingest_rows(sample_database_url, _next_chart(sample))
    assert _kept(store) == before
    predict(app, charting(sample), model="lstm")
    assert _kept(store) == [*before, LAST_DAY]


def test_a_correction_forgets_the_forecasts_of_its_day_and_later_ones_alone(
    app: TestClient, store: Database, sample_database_url: str, sample: Sample
) -> None:
    us = next(iter(sample.chart("us", LAST_DAY)))
    predict(app, us, "us", model="lstm")
    first = predict(app, charting(sample), model="lstm", **WIDE)
    before, us_before = _kept(store), _kept(store, "us")
    day = LAST_DAY - 9 * DAY
    chart = list(sample.chart("ph", day).values())
    ingest_rows(sample_database_url, [replace(row, streams=3 * row.streams) for row in chart])
    assert _kept(store) == [cutoff for cutoff in before if cutoff < day]
    assert _kept(store, "us") == us_before
    corrected = predict(app, charting(sample), model="lstm", **WIDE)
    assert _width(corrected) > _width(first)
    assert _kept(store) == before
    ingest_rows(sample_database_url, chart)
    assert predict(app, charting(sample), model="lstm", **WIDE) == first


def test_days_that_the_weights_learned_from_never_count(
    sample_database_url: str, unseen: Path, store: Database, sample: Sample, tmp_path: Path
) -> None:
    us = next(iter(sample.chart("us", LAST_DAY)))
    learned = {"ph": ("2020-10-03", "2020-12-20")}
    with serve(sample_database_url, copy_as_unseen(unseen, tmp_path / "some", learned)) as client:
        predict(client, charting(sample), model="lstm", as_of="2020-12-20")
        assert _kept(store) == []
        predict(client, charting(sample), model="lstm")
        assert _kept(store) == [LAST_DAY - n * DAY for n in range(17, 0, -1)]  # targets from 2020-12-21 on
        predict(client, us, "us", model="lstm")
        assert len(_kept(store, "us")) == 66  # of a region that they never saw every day counts


def test_where_every_day_was_learned_from_intervals_are_the_models_own(
    sample_database_url: str, unseen: Path, sample: Sample, tmp_path: Path
) -> None:
    learned = {"ph": ("2020-10-03", str(LAST_DAY))}
    bundles = copy_as_unseen(unseen, tmp_path / "all", learned)
    with serve(sample_database_url, bundles) as client:
        for track_id in (charting(sample), debut(sample)):
            for day in predict(client, track_id, model="gru", **WIDE)["forecasts"]:
                widest = day["intervals"][-1]
                raw = math.exp(2 * SPREAD / 10)
                assert widest["upper"] / widest["lower"] == pytest.approx(raw, rel=1e-4)


def test_a_restart_takes_what_is_kept(
    app: TestClient, sample_database_url: str, unseen: Path, sample: Sample
) -> None:
    first = [predict(app, charting(sample), model=model, **WIDE) for model in ("lstm", "auto")]
    with serve(sample_database_url, unseen) as client:
        with recorded_statements(client) as statements:
            again = [predict(client, charting(sample), model=model, **WIDE) for model in ("lstm", "auto")]
        assert again == first
        assert not [statement for statement in statements if not statement.startswith("SELECT")]


def test_other_weights_of_the_same_name_and_version_start_anew(
    store: Database, sample_database_url: str, sample: Sample, tmp_path: Path
) -> None:
    for folder, answer in (("first", -1.0), ("second", -0.9)):
        publish_small(tmp_path / folder, answer=answer, spread=1.0)
        with serve(sample_database_url, tmp_path / folder) as client:
            predict(client, charting(sample), model="lstm")
    with store.read() as connection:
        assert len(set(connection.scalars(select(IssuedForecast.weights)))) == 2
    assert len(_kept(store)) == 2 * 66


def test_many_first_requests_at_once_do_the_work_once(app: TestClient, sample: Sample) -> None:
    barrier = Barrier(8)

    def ask(_: int) -> dict[str, Any]:
        barrier.wait()
        return predict(app, charting(sample), model="lstm", **WIDE)

    with recorded_statements(app) as statements, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert all(answer == answers[0] for answer in answers)
    reads = [statement for statement in statements if "FROM issued_forecasts" in statement]
    assert len(reads) == 1


def test_a_store_that_another_is_writing_to_is_not_waited_for(
    app: TestClient, store: Database, sample: Sample
) -> None:
    with store.write() as connection:
        lock_regions(connection, ["ph"])
        started = dt.datetime.now(dt.UTC)
        first = predict(app, charting(sample), model="lstm", **WIDE)
        assert dt.datetime.now(dt.UTC) - started < dt.timedelta(seconds=20)
    assert _kept(store) == []
    assert predict(app, charting(sample), model="lstm", **WIDE) == first


def test_forecasts_made_from_charts_that_changed_meanwhile_are_not_kept(
    app: TestClient, store: Database, sample_database_url: str, sample: Sample
) -> None:
    predictor = app.app.state.predictor  # type: ignore[attr-defined]
    write, predictor.past.write = predictor.past.write, lambda _: None
    predict(app, charting(sample), model="lstm")
    ingest_rows(sample_database_url, _next_chart(sample))
    predictor.past.write = write
    predictor.past.write(store)
    assert _kept(store) == []


def test_a_steady_prediction_costs_the_statements_it_did(app: TestClient, sample: Sample) -> None:
    for model in ("auto", "lstm"):
        predict(app, charting(sample), model=model, **WIDE)
        with recorded_statements(app) as statements:
            predict(app, debut(sample), model=model, **WIDE)
        assert len(statements) == 1, statements


def test_auto_falls_to_the_baseline_where_the_regions_own_past_says_so(
    app: TestClient, sample: Sample
) -> None:
    """They are far worse than the chart's rhythm."""
    body = predict(app, charting(sample), **WIDE)
    assert (body["model"]["name"], body["model"]["version"]) == ("baseline", None)
    reason = body["model"]["reason"]
    assert reason.startswith("baseline, as multi_input's next-day error was ")
    assert reason.endswith(" of chart_weekday's over the last 60 days in ph")
    named = predict(app, charting(sample), model="baseline", **WIDE)
    assert named["forecasts"] == body["forecasts"]
    assert predict(app, charting(sample), model="multi_input")["model"]["name"] == "multi_input"
