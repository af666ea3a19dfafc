"""What the hot queries read: ranges of an index, so that they cost the same however much is stored."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.database import Database
from app.predict.past import PastForecasts
from tests.predict.tracks import charting
from tests.recorded_queries import Query, explain, recorded_queries
from tests.sample import LAST_DAY, Row, Sample, to_csv
from tests.serving import serve

# A region's share of these is no small range: something more than the region has to narrow them down.
NARROWED_BY = {"daily_streams": ["track_id", "date"], "issued_forecasts": ["cutoff", "model"]}
READ_WHOLE = {"regions"}  # a few dozen at most

Ask = Callable[[TestClient, Sample], Any]


def _predict(client: TestClient, sample: Sample, **fields: Any) -> Any:
    return client.post("/predict", json={"track_id": charting(sample), "region": "ph", **fields})


def _predict_batch(client: TestClient, sample: Sample) -> Any:
    items = [{"track_id": track_id, "region": "ph"} for track_id in sample.chart("ph", LAST_DAY)]
    return client.post("/predict/batch", json={"items": items, "horizon": 7, "as_of": "2020-12-20"})


def _artist(sample: Sample) -> str:
    return sample.days_of("ph", charting(sample))[-1].artist


def _predict_artist(client: TestClient, sample: Sample) -> Any:
    asked = {"artist": _artist(sample), "region": "ph", "as_of": "2020-12-20", "include_history": 30}
    return client.post("/predict/artist", json=asked)


def _chart(sample: Sample) -> list[Row]:
    return list(sample.chart("ph", LAST_DAY).values())


def _ingest(client: TestClient, rows: list[Row]) -> Any:
    return client.post("/ingest", content=to_csv(rows), headers={"content-type": "text/csv"})


def _ingest_next_day(client: TestClient, sample: Sample) -> Any:
    return _ingest(client, [replace(row, date=LAST_DAY + dt.timedelta(days=1)) for row in _chart(sample)])


def _ingest_correction(client: TestClient, sample: Sample) -> Any:
    first, *others = _chart(sample)
    return _ingest(client, [replace(first, streams=first.streams + 1), *others[:-3]])


def _ask_anew(client: TestClient, sample: Sample) -> Any:
    state = client.app.state  # type: ignore[attr-defined]
    state.predictor = replace(state.predictor, past=PastForecasts())
    return _predict(client, sample)


ASKED: dict[str, Ask] = {
    "a prediction, and the past it goes by": _predict,
    "a prediction that finds its past stored": _ask_anew,
    "a baseline": lambda client, sample: _predict(client, sample, model="baseline", horizon=7),
    "a batch as of a past day": _predict_batch,
    "the next day": _ingest_next_day,
    "the same day again": lambda client, sample: _ingest(client, _chart(sample)),
    "a correction that removes tracks": _ingest_correction,
    "all tracks": lambda client, _: client.get("/tracks"),
    "a region's tracks": lambda client, _: client.get("/tracks?region=ph"),
    "a track": lambda client, sample: client.get(f"/tracks/{charting(sample)}"),
    "a history": lambda client, sample: client.get(f"/tracks/{charting(sample)}/history?region=ph"),
    "all artists": lambda client, _: client.get("/artists"),
    "a region's artists": lambda client, _: client.get("/artists?region=ph"),
    "an artist": lambda client, sample: client.get(f"/artists/{_artist(sample)}"),
    "an artist's forecast": _predict_artist,
    "a chart": lambda client, _: client.get(f"/charts/ph/{LAST_DAY}"),
    "what an upload corrected": lambda client, _: client.get("/audit/2/corrections"),
}


@pytest.fixture
def client(sample_database_url: str, unseen_bundles: Path) -> Iterator[TestClient]:
    """The app with models that have a past in the sample."""
    with serve(sample_database_url, unseen_bundles) as served:
        yield served


def test_every_query_of_a_route_reads_a_range_of_an_index(client: TestClient, sample: Sample) -> None:
    database: Database = client.app.state.database  # type: ignore[attr-defined]
    for name, ask in ASKED.items():
        with recorded_queries(database.engine) as queries:
            assert ask(client, sample).is_success, name
        for query in queries:
            _assert_narrow(database, query)


def _assert_narrow(database: Database, query: Query) -> None:
    with database.read() as connection:
        if database.engine.name == "postgresql":
            # The sample is so small that Postgres reads most of its tables whole, and rightly: with what
            # it knows of them, by a scan, a merge or a hash. Left are the plans for tables of any size.
            for way in ("seqscan", "mergejoin", "hashjoin"):
                connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        for step in explain(connection, query):
            assert step.narrowed_by or step.table in READ_WHOLE, (step, query)
            assert any(name in step.narrowed_by for name in NARROWED_BY.get(step.table, [""])), (step, query)
