"""Nothing after ``as_of`` is ever read: the answer is the same, byte for byte, whatever came later."""

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.charts_in_store import track_id_of
from tests.sample import Row, Sample, ingest_metadata, ingest_rows
from tests.serving import predict, serve
from tests.small_presence import publish_small_presence

CUTOFF = dt.date(2020, 12, 9)  # a Wednesday with holidays ahead in either country
FIRST, LAST = dt.date(2020, 11, 1), dt.date(2020, 12, 13)
MODELS = ["lstm", "gru", "multi_input", "baseline", "auto"]
ASKED: dict[str, Any] = {
    "as_of": str(CUTOFF),
    "horizon": 7,
    "levels": [50, 80, 95],
    "include_history": 40,
    "include_presence": True,
}


@pytest.fixture(scope="module")
def head(sample: Sample) -> Sample:
    """The first 80 places of the charts."""
    return Sample(tuple(sample.where(lambda row: row.position <= 80 and FIRST <= row.date <= LAST)))


@pytest.fixture(scope="module")
def tracks(head: Sample) -> list[dict[str, str]]:
    """Tracks of both regions: on the chart of the cutoff, off it for days, gone, and not yet on any."""
    items = []
    for region, by_track in head.by_track.items():
        known = {t: [row.date for row in rows if row.date <= CUTOFF] for t, rows in by_track.items()}
        gaps = {t: (CUTOFF - days[-1]).days if days else None for t, days in known.items()}
        for wanted in (range(1), range(1, 4), range(4, 29), range(29, 99)):
            chosen = [t for t in sorted(gaps) if gaps[t] is not None and gaps[t] in wanted]
            items += [{"track_id": t, "region": region} for t in chosen[:6]]
        items += [{"track_id": t, "region": region} for t in sorted(gaps) if gaps[t] is None][:2]
    assert len(items) == 2 * 26
    return items


@pytest.fixture(scope="module")
def bundles(unseen_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All models, that of presence too."""
    models_dir = shutil.copytree(unseen_bundles, tmp_path_factory.mktemp("all") / "models")
    publish_small_presence(models_dir)
    return models_dir


@pytest.fixture
def as_it_was(database_url: str, bundles: Path, head: Sample) -> Iterator[TestClient]:
    """The app on a store that ends with the cutoff; its region has seen no later day.

    All that the models forecast there is their past: calibration and ``auto`` go by it.
    """
    ingest_rows(database_url, head.where(lambda row: row.date <= CUTOFF))
    ingest_metadata(database_url)
    with serve(database_url, bundles) as client:
        yield client


def _spoilt(row: Row) -> Row:
    """What a later upload could make of a later day."""
    return replace(row, position=81 - row.position, streams=row.streams * 7 + row.position)


def test_later_days_their_corrections_and_later_debuts_change_no_byte(
    as_it_was: TestClient, database_url: str, head: Sample, tracks: list[dict[str, str]]
) -> None:
    before = _answers(as_it_was, tracks)
    later = head.where(lambda row: row.date > CUTOFF)
    debuts = [
        Row(row.region, row.date, 81, track_id_of("n"), "New", "Artist", 10**9)
        for row in later
        if row.position == 1
    ]
    ingest_rows(database_url, later + debuts)
    assert _answers(as_it_was, tracks) == before
    report = ingest_rows(database_url, [_spoilt(row) for row in later], replace=True)
    assert report.updated > 0
    assert report.removed == len(debuts)
    assert _answers(as_it_was, tracks) == before


def test_a_store_that_went_on_answers_as_of_a_past_day_as_one_that_ends_there(
    as_it_was: TestClient,
    sqlite_template: Path,
    tmp_path: Path,
    bundles: Path,
    head: Sample,
    tracks: list[dict[str, str]],
) -> None:
    """Forecasts made long after their own days, beside others, are those made in time."""
    url = f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'later.db')}"
    ingest_rows(url, list(head.rows))
    ingest_metadata(url)
    with serve(url, bundles) as later:
        predict(later, tracks[0]["track_id"], tracks[0]["region"])  # as of the last day
        assert _answers(later, tracks) == _answers(as_it_was, tracks)


def _answers(client: TestClient, tracks: list[dict[str, str]]) -> list[tuple[str, bytes]]:
    """Single answers of some tracks and the batch of all of them, by every model."""
    headers = {"x-request-id": "same"}
    answers = []
    for model in MODELS:
        asked = {**ASKED, "model": model}
        for item in tracks[::17]:
            answers.append(("one", client.post("/predict", json=item | asked, headers=headers).content))
        batch = client.post("/predict/batch", json={"items": tracks, **asked}, headers=headers)
        assert b"chart_probability" in batch.content
        problems = [result["problem"]["status"] for result in batch.json()["results"] if "problem" in result]
        assert sorted(problems) == [404] * 4 + [409] * 12
        answers.append(("batch", batch.content))
    return answers
