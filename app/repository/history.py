"""Reading what a forecast is made from: a track's last days, its facts, the region's chart days.

The statements are built once: for queries as small as these, building them costs as much as running them.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import BindParameter, Connection, Executable, Select, bindparam, func, select

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


_Statement = TypeVar("_Statement", bound=Executable)
_REGION: BindParameter[str] = bindparam("region")
_DAY: BindParameter[dt.date] = bindparam("day")
_TRACKS: BindParameter[str] = bindparam("track_ids", expanding=True)
_TRACK: BindParameter[str] = bindparam("track_id")
_FIRST_DAY: BindParameter[dt.date] = bindparam("first_day")
_LAST_DAY: BindParameter[dt.date] = bindparam("last_day")


def select_track_days(*columns: Any) -> Select[Any]:
    """The days of one track (``region``, ``track_id``) from ``first_day`` to ``last_day``, by day.

    Each chart of the period is looked into for the track: charts lie by day.
    """
    day = (DailyStreams.region == ChartDay.region) & (DailyStreams.date == ChartDay.date)
    return (
        select(*columns)
        .select_from(ChartDay)
        .join(DailyStreams, day & (DailyStreams.track_id == _TRACK))
        .where(ChartDay.region == _REGION, ChartDay.date.between(_FIRST_DAY, _LAST_DAY))
        .order_by(ChartDay.date)
    )


_ENTRY = (DailyStreams.track_id, DailyStreams.date, DailyStreams.streams, DailyStreams.position)
_ENTRIES = select(*_ENTRY).where(
    DailyStreams.region == _REGION, DailyStreams.date.between(_FIRST_DAY, _LAST_DAY)
)
# Of many tracks the charts are read whole: to look each track up in each chart takes longer.
_TRACK_ENTRIES = _ENTRIES.where(DailyStreams.track_id.in_(_TRACKS)).order_by(DailyStreams.date)
_ONE_TRACKS_ENTRIES = select_track_days(*_ENTRY)
_REGION_FACTS = (
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
    .where(TrackRegion.region == _REGION)
)
_FACTS = _REGION_FACTS.where(TrackRegion.track_id.in_(_TRACKS))
_ONE_TRACKS_FACTS = _REGION_FACTS.where(TrackRegion.track_id == _TRACK)
_LATER = (
    select(DailyStreams.track_id, func.count().label("days"))
    .where(DailyStreams.region == _REGION, DailyStreams.track_id.in_(_TRACKS), DailyStreams.date > _DAY)
    .group_by(DailyStreams.track_id)
    .subquery()
)
# Counted back from today: most cutoffs are recent ones.
_COUNTS = (
    select(TrackRegion.track_id, TrackRegion.observed_days - func.coalesce(_LATER.c.days, 0))
    .outerjoin(_LATER, _LATER.c.track_id == TrackRegion.track_id)
    .where(TrackRegion.region == _REGION, TrackRegion.track_id.in_(_TRACKS), TrackRegion.first_day <= _DAY)
)
_CHART_DAYS = (
    select(ChartDay.date, ChartDay.movement, ChartDay.min_streams)
    .where(ChartDay.region == _REGION)
    .order_by(ChartDay.date)
)
_CHART_ARTISTS = (
    select(DailyStreams.track_id, Track.artist, TrackRegion.first_day)
    .join(Track, Track.track_id == DailyStreams.track_id)
    .join(
        TrackRegion,
        (TrackRegion.region == DailyStreams.region) & (TrackRegion.track_id == DailyStreams.track_id),
    )
    .where(DailyStreams.region == _REGION, DailyStreams.date == _DAY)
)
_ARTISTS = (
    select(TrackRegion.track_id, Track.artist)
    .join(Track, Track.track_id == TrackRegion.track_id)
    .where(TrackRegion.region == _REGION)
)
_LAST_CHARTS = (
    select(ChartDay.date)
    .where(ChartDay.region == _REGION, ChartDay.date <= _DAY)
    .order_by(ChartDay.date.desc())
    .limit(bindparam("most"))
)
_CHART = select(DailyStreams.track_id, DailyStreams.streams).where(
    DailyStreams.region == _REGION, DailyStreams.date == _DAY
)


def read_track_facts(connection: Connection, region: str, track_ids: Sequence[str]) -> dict[str, TrackFacts]:
    """The facts of those of ``track_ids`` that the region has seen."""
    statement, tracks = _choose(_FACTS, _ONE_TRACKS_FACTS, track_ids)
    rows = connection.execute(statement, {"region": region, **tracks}).all()
    return {row[0]: TrackFacts._make((*row[:7], tuple(row[7:]))) for row in rows}


def _choose(of_many: _Statement, of_one: _Statement, track_ids: Sequence[str]) -> tuple[_Statement, Any]:
    """The statement for so many tracks: a list of one costs SQLAlchemy half as much again as a value."""
    if len(track_ids) == 1:
        return of_one, {"track_id": track_ids[0]}
    return of_many, {"track_ids": track_ids}


def read_observed_days(
    connection: Connection, region: str, track_ids: Sequence[str], first_day: dt.date, last_day: dt.date
) -> list[ObservedDay]:
    """The chart entries of some tracks from ``first_day`` to ``last_day``, by day."""
    statement, tracks = _choose(_TRACK_ENTRIES, _ONE_TRACKS_ENTRIES, track_ids)
    period = {"first_day": first_day, "last_day": last_day}
    rows = connection.execute(statement, {"region": region, **period, **tracks})
    return [ObservedDay._make(row) for row in rows.all()]  # row by row would cost three times as much


def count_observed_days(
    connection: Connection, region: str, track_ids: Sequence[str], last_day: dt.date
) -> dict[str, int]:
    """On how many days each of the tracks charted, up to ``last_day``; those that never did are left out."""
    rows = connection.execute(_COUNTS, {"region": region, "track_ids": track_ids, "day": last_day})
    return {row[0]: row[1] for row in rows}


def read_chart_days(connection: Connection, region: str) -> list[tuple[dt.date, float | None, int]]:
    """Date, movement and smallest streams of every chart of the region, by date."""
    return [(row[0], row[1], row[2]) for row in connection.execute(_CHART_DAYS, {"region": region})]


def read_last_chart_days(connection: Connection, region: str, last_day: dt.date, most: int) -> list[dt.date]:
    """The last days up to ``last_day`` that have a chart, ``most`` of them at most, by date."""
    days = connection.scalars(_LAST_CHARTS, {"region": region, "day": last_day, "most": most}).all()
    return sorted(days)


def read_chart_streams(connection: Connection, region: str, day: dt.date) -> dict[str, int]:
    """Streams by track id of one chart; empty where there is none."""
    return {row[0]: row[1] for row in connection.execute(_CHART, {"region": region, "day": day})}


def read_chart_artists(
    connection: Connection, region: str, day: dt.date
) -> list[tuple[str, str | None, dt.date]]:
    """Of each track on one chart: its id, its artist and the first day it was on any."""
    rows = connection.execute(_CHART_ARTISTS, {"region": region, "day": day})
    return [(row[0], row[1], row[2]) for row in rows]


def read_artists(connection: Connection, region: str) -> dict[str, str | None]:
    """The artist of every track that the region has seen."""
    return {row[0]: row[1] for row in connection.execute(_ARTISTS, {"region": region})}


def read_region_days(
    connection: Connection, region: str, first_day: dt.date, last_day: dt.date
) -> list[ObservedDay]:
    """All entries of a region's charts from ``first_day`` to ``last_day``."""
    rows = connection.execute(_ENTRIES, {"region": region, "first_day": first_day, "last_day": last_day})
    return [ObservedDay._make(row) for row in rows]
