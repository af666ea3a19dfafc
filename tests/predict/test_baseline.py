"""``baseline_streams`` by the letter of the contract, worked out anew from the charts' rows."""

import datetime as dt
import statistics
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.charts_in_store import track_id_of
from tests.sample import Row, Sample, ingest_rows
from tests.serving import predict, serve

DAY = dt.timedelta(days=1)
FIRST, LAST = dt.date(2020, 11, 14), dt.date(2020, 12, 19)
MISSING = {dt.date(2020, 12, 1), dt.date(2020, 12, 12)}  # days without a chart
KEPT = 60  # positions of each chart


def expected_baseline(charts: dict[dt.date, dict[str, int]], track_id: str, as_of: dt.date, h: int) -> float:
    """Last value times the median of r_k, as the contract says it."""
    last = max(day for day, chart in charts.items() if day <= as_of and track_id in chart)
    target = as_of + h * DAY
    weeks = [k for k in range(1, 60) if target - 7 * k * DAY <= as_of][:4]
    ratios = []
    for k in weeks:
        later, earlier = charts.get(target - 7 * k * DAY, {}), charts.get(last - 7 * k * DAY, {})
        if both := later.keys() & earlier.keys():
            ratios.append(statistics.median(later[track] / earlier[track] for track in both))
    return charts[last][track_id] * (statistics.median(ratios) if ratios else 1)


@pytest.fixture(scope="module")
def rows(sample: Sample) -> list[Row]:
    """The head of five weeks of charts, two days of them missing."""
    return sample.where(
        lambda row: (
            row.region == "ph"
            and FIRST <= row.date <= LAST
            and row.date not in MISSING
            and row.position <= KEPT
        )
    )


@pytest.fixture(scope="module")
def charts(rows: list[Row]) -> dict[dt.date, dict[str, int]]:
    """The same as streams by day and track."""
    found: dict[dt.date, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.date, {})[row.track_id] = row.streams
    return found


def _assert_as_expected(
    client: TestClient, charts: dict[dt.date, dict[str, int]], track_id: str, as_of: dt.date
) -> None:
    days = predict(client, track_id, as_of=str(as_of), horizon=28)["forecasts"]
    for day in days:
        wanted = expected_baseline(charts, track_id, as_of, day["horizon"])
        assert day["baseline_streams"] == pytest.approx(wanted, abs=0.0051)
        assert day["streams"] == day["baseline_streams"]


def test_the_baseline_is_the_contracts_whether_or_not_days_are_missing(
    database_url: str, tmp_path: Path, rows: list[Row], charts: dict[dt.date, dict[str, int]]
) -> None:
    ingest_rows(database_url, rows)
    with serve(database_url, tmp_path) as client:
        for as_of in (LAST, dt.date(2020, 12, 12), dt.date(2020, 12, 8), dt.date(2020, 12, 15)):
            for track_id in sorted(charts[as_of - DAY])[:12]:
                _assert_as_expected(client, charts, track_id, as_of)


def test_a_track_with_a_gap_starts_from_its_last_observed_day(
    database_url: str, tmp_path: Path, rows: list[Row], charts: dict[dt.date, dict[str, int]]
) -> None:
    last = {t: max(d for d, c in charts.items() if t in c) for t in {row.track_id for row in rows}}
    gaps = {(LAST - day).days: track_id for track_id, day in sorted(last.items())}
    tracks = [track_id for gap, track_id in gaps.items() if 0 < gap <= 28]
    assert len(tracks) > 8
    ingest_rows(database_url, rows)
    with serve(database_url, tmp_path) as client:
        for track_id in tracks:
            _assert_as_expected(client, charts, track_id, LAST)


def test_with_fewer_weeks_behind_it_takes_those_there_are_and_without_any_the_last_value(
    database_url: str, tmp_path: Path, rows: list[Row], charts: dict[dt.date, dict[str, int]]
) -> None:
    ingest_rows(database_url, rows)
    with serve(database_url, tmp_path) as client:
        for n_days in (0, 1, 5, 6, 7, 8, 13, 14, 20, 21, 27):
            as_of = FIRST + n_days * DAY
            for track_id in sorted(charts[as_of])[:3]:
                _assert_as_expected(client, charts, track_id, as_of)
        track_id = next(iter(charts[FIRST]))
        days = predict(client, track_id, as_of=str(FIRST), horizon=7)["forecasts"]
        assert {day["baseline_streams"] for day in days} == {charts[FIRST][track_id]}


def test_an_even_count_of_weeks_or_tracks_takes_the_mean_of_the_middle_two(
    database_url: str, tmp_path: Path
) -> None:
    a, b = track_id_of("a"), track_id_of("b")
    as_of = dt.date(2020, 6, 15)
    streams = {0: (100, 100), 6: (200, 300), 7: (100, 100), 13: (400, 600), 14: (100, 100)}
    rows = [
        Row("ph", as_of - n_days * DAY, 1 + i, track_id, "A", "B", value)
        for n_days, values in streams.items()
        for i, (track_id, value) in enumerate(zip((a, b), values, strict=True))
    ]
    ingest_rows(database_url, rows)
    with serve(database_url, tmp_path) as client:
        [day] = predict(client, a)["forecasts"]
    # A week ago the chart moved by the mean of 2 and 3, the week before by that of 4 and 6.
    assert day["baseline_streams"] == 100 * (2.5 + 5.0) / 2
