"""Reading what a forecast is made from: a track's last days, its facts, the region's chart days."""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from app.forecasting.spec import FEATURES
from app.models import ChartDay, DailyStreams, Track, TrackMetadata, TrackRegion


class TrackFacts(NamedTuple):
    """A track that charted in a region, over all the days there are, and its metadata."""

    track_id: str
    track_name: str | None
    artist: str | None
    first_day: dt.date
    last_day: dt.date
    observed_days: int
    release_date: str | None
    features: tuple[float | None, ...]

    @property
    def has_metadata(self) -> bool:
        """Whether any of the 13 features is known."""
        return any(value is not None for value in self.features)


class ObservedDay(NamedTuple):
    """One track's entry in one chart."""

    track_id: str
    date: dt.date
    streams: int
    position: int


_FACTS = (
    select(
        TrackRegion.track_id,
        Track.track_name,
        Track.artist,
        TrackRegion.first_day,
        TrackRegion.last_day,
        TrackRegion.observed_days,
        TrackMetadata.release_date,
        *(getattr(TrackMetadata, name) for name in FEATURES),
    )
    .join(Track, Track.track_id == TrackRegion.track_id)
    .outerjoin(TrackMetadata, TrackMetadata.track_id == TrackRegion.track_id)
)


def read_track_facts(connection: Connection, region: str, track_ids: Sequence[str]) -> dict[str, TrackFacts]:
    """The facts of those of ``track_ids`` that the region has seen."""
    wanted = _FACTS.where(TrackRegion.region == region, TrackRegion.track_id.in_(track_ids))
    return {row[0]: TrackFacts._make((*row[:7], tuple(row[7:]))) for row in connection.execute(wanted)}


def read_observed_days(
    connection: Connection, region: str, track_ids: Sequence[str], first_day: dt.date, last_day: dt.date
) -> list[ObservedDay]:
    """The chart entries of some tracks from ``first_day`` to ``last_day``, by track and day."""
    table = DailyStreams
    wanted = (
        select(table.track_id, table.date, table.streams, table.position)
        .where(
            table.region == region,
            table.track_id.in_(track_ids),
            table.date.between(first_day, last_day),
        )
        .order_by(table.track_id, table.date)
    )
    return [ObservedDay(*row) for row in connection.execute(wanted)]


def count_observed_days(
    connection: Connection, region: str, track_ids: Sequence[str], last_day: dt.date
) -> dict[str, int]:
    """On how many days each of the tracks charted, up to ``last_day``; those that never did are left out."""
    table = DailyStreams
    wanted = (
        select(table.track_id, func.count())
        .where(table.region == region, table.track_id.in_(track_ids), table.date <= last_day)
        .group_by(table.track_id)
    )
    return {row[0]: row[1] for row in connection.execute(wanted)}


def read_chart_days(connection: Connection, region: str) -> list[tuple[dt.date, float | None, int]]:
    """Date, movement and smallest streams of every chart of the region, by date."""
    table = ChartDay
    wanted = select(table.date, table.movement, table.min_streams).where(table.region == region)
    return [(row[0], row[1], row[2]) for row in connection.execute(wanted.order_by(table.date))]


def read_chart_streams(connection: Connection, region: str, day: dt.date) -> dict[str, int]:
    """Streams by track id of one chart; empty where there is none."""
    table = DailyStreams
    wanted = select(table.track_id, table.streams).where(table.region == region, table.date == day)
    return {row[0]: row[1] for row in connection.execute(wanted)}


def read_region_days(
    connection: Connection, region: str, first_day: dt.date, last_day: dt.date
) -> list[ObservedDay]:
    """All entries of a region's charts from ``first_day`` to ``last_day``."""
    table = DailyStreams
    wanted = select(table.track_id, table.date, table.streams, table.position)
    wanted = wanted.where(table.region == region, table.date.between(first_day, last_day))
    return [ObservedDay._make(row) for row in connection.execute(wanted)]
