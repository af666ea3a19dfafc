"""Reading what a forecast is made from: a track's last days, its facts, the region's chart days.

The statements are built once: for queries as small as these, building them costs as much as running them.
"""

import datetime as dt
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, bindparam, func, select

from app.forecasting.spec import FEATURES
from app.models import ChartDay, DailyStreams, Track, TrackMetadata, TrackRegion
from app.repository.prepared import Prepared


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

    @classmethod
    def of(cls, row: Sequence[Any]) -> "TrackFacts":
        """The facts in a row of ``FACTS``."""
        return cls._make((*row[:7], tuple(row[7:])))

    @property
    def has_metadata(self) -> bool:
        """Whether any of the 13 features is known."""
        return any(value is not None for value in self.features)


class Entries(NamedTuple):
    """One track's days on the chart, by day: an item of each for a day."""

    days: tuple[dt.date, ...]
    streams: tuple[int, ...]
    positions: tuple[int, ...]


class ObservedDay(NamedTuple):
    """One track's entry in one chart."""

    track_id: str
    date: dt.date
    streams: int
    position: int


_REGION: BindParameter[str] = bindparam("region")
_DAY: BindParameter[dt.date] = bindparam("day")
_TRACKS: BindParameter[str] = bindparam("track_ids", expanding=True)
_PERIOD = DailyStreams.date.between(bindparam("first_day"), bindparam("last_day"))
_ENTRIES = select(
    DailyStreams.track_id, DailyStreams.date, DailyStreams.streams, DailyStreams.position
).where(DailyStreams.region == _REGION, _PERIOD)
_TRACK_ENTRIES = Prepared(
    _ENTRIES.where(DailyStreams.track_id.in_(_TRACKS)).order_by(DailyStreams.track_id, DailyStreams.date)
)
FACTS = (  # in the order of ``TrackFacts``, then one by one its features
    TrackRegion.track_id,
    Track.track_name,
    Track.artist,
    TrackRegion.first_day,
    TrackRegion.last_day,
    TrackRegion.observed_days,
    TrackMetadata.release_date,
    *(getattr(TrackMetadata, name) for name in FEATURES),
)
_FACTS = Prepared(
    select(*FACTS)
    .join(Track, Track.track_id == TrackRegion.track_id)
    .outerjoin(TrackMetadata, TrackMetadata.track_id == TrackRegion.track_id)
    .where(TrackRegion.region == _REGION, TrackRegion.track_id.in_(_TRACKS))
)
_COUNTS = (
    select(DailyStreams.track_id, func.count())
    .where(DailyStreams.region == _REGION, DailyStreams.track_id.in_(_TRACKS), DailyStreams.date <= _DAY)
    .group_by(DailyStreams.track_id)
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
    rows = _FACTS.rows(connection, {"region": region, "track_ids": track_ids})
    return {row[0]: TrackFacts.of(row) for row in rows}


def read_entries(
    connection: Connection, region: str, track_ids: Sequence[str], first_day: dt.date, last_day: dt.date
) -> dict[str, Entries]:
    """The days on the chart, from ``first_day`` to ``last_day``, of those of ``track_ids`` that have any."""
    wanted = {"region": region, "first_day": first_day, "last_day": last_day, "track_ids": track_ids}
    columns = _TRACK_ENTRIES.columns(connection, wanted)
    if not columns:
        return {}
    ids, *values = columns
    entries, start = {}, 0
    for track_id, of_track in groupby(ids):
        end = start + sum(1 for _ in of_track)
        entries[track_id] = Entries(*(column[start:end] for column in values))
        start = end
    return entries


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
    # Row by row would take three times as long, all at once twice the memory.
    return [ObservedDay._make(row) for part in rows.partitions(2_000) for row in part]
