"""What a store holds, read plainly and summed up anew, to hold what uploads keep up against it."""

import datetime as dt
import statistics
from collections import defaultdict
from typing import Any

import pytest
from sqlalchemy import Connection, select

from app.database import Database
from app.models import ChartDay, DailyStreams, Region, Track, TrackRegion

Charts = dict[tuple[str, dt.date], dict[str, tuple[int, int]]]


def read_stored_charts(database: Database) -> Charts:
    """Every stored row, as (position, streams) by region and day and track."""
    columns = (DailyStreams.region, DailyStreams.date, DailyStreams.track_id)
    charts: Charts = defaultdict(dict)
    with database.read() as connection:
        for *key, track_id, position, streams in connection.execute(
            select(*columns, DailyStreams.position, DailyStreams.streams)
        ):
            charts[tuple(key)][track_id] = (position, streams)  # type: ignore[index]
    return dict(charts)


def read_names(database: Database) -> dict[str, tuple[str | None, str | None]]:
    """Every track's name and artist."""
    with database.read() as connection:
        rows = connection.execute(select(Track.track_id, Track.track_name, Track.artist))
        return {track_id: (name, artist) for track_id, name, artist in rows}


def assert_kept_up(database: Database) -> None:
    """Everything that uploads keep up is what the stored rows say."""
    charts = read_stored_charts(database)
    with database.read() as connection:
        _assert_days(connection, charts)
        _assert_regions(connection, charts)
        _assert_tracks(connection, charts)


def _assert_days(connection: Connection, charts: Charts) -> None:
    columns = (ChartDay.tracks, ChartDay.total_streams, ChartDay.min_streams, ChartDay.movement)
    days = {
        (row[0], row[1]): row[2:]
        for row in connection.execute(select(ChartDay.region, ChartDay.date, *columns))
    }
    assert days.keys() == charts.keys()
    for (region, day), (*sums, movement) in days.items():
        streams = {track_id: streams for track_id, (_, streams) in charts[region, day].items()}
        assert sums == [len(streams), sum(streams.values()), min(streams.values())]
        before = charts.get((region, day - dt.timedelta(days=1)), {})
        ratios = [
            streams[t] / before[t][1] for t in streams.keys() & before.keys() if streams[t] and before[t][1]
        ]
        expected = statistics.median(ratios) if ratios else None
        assert movement == (None if expected is None else pytest.approx(expected, rel=1e-12))


def _assert_regions(connection: Connection, charts: Charts) -> None:
    for code, first_day, last_day in connection.execute(
        select(Region.code, Region.first_day, Region.last_day)
    ):
        days = [day for region, day in charts if region == code]
        assert (first_day, last_day) == (min(days), max(days))


def _assert_tracks(connection: Connection, charts: Charts) -> None:
    expected: dict[tuple[str, str], Any] = {}
    for (region, day), chart in sorted(charts.items()):
        for track_id, (_, streams) in chart.items():
            first, *_, count = expected.get((region, track_id), (day, day, 0, 0))
            expected[region, track_id] = (first, day, streams, count + 1)
    columns = (
        TrackRegion.first_day,
        TrackRegion.last_day,
        TrackRegion.last_streams,
        TrackRegion.observed_days,
    )
    rows = connection.execute(select(TrackRegion.region, TrackRegion.track_id, *columns))
    assert {(row[0], row[1]): tuple(row[2:]) for row in rows} == expected
