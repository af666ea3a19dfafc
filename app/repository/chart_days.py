"""Reading one region's chart of one day."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import Connection, select

from app.models import ChartDay, DailyStreams, Track


class ChartSummary(NamedTuple):
    """A chart in four figures."""

    tracks: int
    total_streams: int
    min_streams: int
    movement: float | None


class ChartEntry(NamedTuple):
    """One track on a chart."""

    position: int
    track_id: str
    track_name: str | None
    artist: str | None
    streams: int


def read_chart_summary(connection: Connection, region: str, date: dt.date) -> ChartSummary | None:
    """The chart's figures, or None where there is no chart of that day."""
    columns = (ChartDay.tracks, ChartDay.total_streams, ChartDay.min_streams, ChartDay.movement)
    statement = select(*columns).where(ChartDay.region == region, ChartDay.date == date)
    row = connection.execute(statement).one_or_none()
    return None if row is None else ChartSummary(*row)


def read_chart_entries(connection: Connection, region: str, date: dt.date) -> list[ChartEntry]:
    """The chart's tracks by position."""
    columns = (DailyStreams.position, Track.track_id, Track.track_name, Track.artist, DailyStreams.streams)
    statement = (
        select(*columns)
        .join_from(DailyStreams, Track, Track.track_id == DailyStreams.track_id)
        .where(DailyStreams.region == region, DailyStreams.date == date)
        .order_by(DailyStreams.position)
    )
    return [ChartEntry(*row) for row in connection.execute(statement)]
