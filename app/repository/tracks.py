"""Reading tracks: the listing, one track, its history in a region."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Subquery, or_, select, tuple_, union_all
from sqlalchemy.orm import aliased

from app.forecasting.spec import FEATURES
from app.models import DailyStreams, Track, TrackMetadata, TrackRegion
from app.repository.history import select_track_days


class TrackKey(NamedTuple):
    """Where a track stands in the listing: the latest observed first, then by streams."""

    last_day: dt.date
    last_streams: int
    track_id: str


class ListedTrack(NamedTuple):
    """A track in the listing, without its regions."""

    last_day: dt.date
    last_streams: int
    track_id: str
    track_name: str | None
    artist: str | None
    has_metadata: bool


class TrackRegionDays(NamedTuple):
    """How long a region's chart has had a track."""

    region: str
    first_day: dt.date
    last_day: dt.date
    observed_days: int


class HistoryDay(NamedTuple):
    """One chart day of a track."""

    date: dt.date
    streams: int
    position: int


_HISTORY = select_track_days(DailyStreams.date, DailyStreams.streams, DailyStreams.position)
_SORT_KEY = (TrackRegion.last_day, TrackRegion.last_streams, TrackRegion.track_id)
_HAS_METADATA = or_(*(getattr(TrackMetadata, name).is_not(None) for name in FEATURES))


def read_tracks(
    connection: Connection, regions: Sequence[str], *, text: str | None, after: TrackKey | None, limit: int
) -> list[ListedTrack]:
    """A page of the tracks that these regions' charts have had.

    A track of several regions stands where the one that saw it last, with the most streams, puts it.

    Args:
        regions: The regions that count.
        text: Part of a name or artist, in any case.
        after: The last track of the page before.
        limit: The most tracks to read.
    """
    if not regions:
        return []
    # One stretch of the (region, last_day, …) index a region, merged: no sort over all tracks.
    pages = [_select_page(region, regions, text, after, limit) for region in regions]
    merged = union_all(*(select(page) for page in pages)).subquery()
    order = [merged.c[name].desc() for name in TrackKey._fields]
    rows = connection.execute(select(merged).order_by(*order).limit(limit))
    return [ListedTrack(*row) for row in rows]


def _select_page(
    region: str, regions: Collection[str], text: str | None, after: TrackKey | None, limit: int
) -> Subquery:
    columns = (*_SORT_KEY, Track.track_name, Track.artist, _HAS_METADATA.label("has_metadata"))
    # Joined: of an EXISTS Postgres makes a hash of the whole table, for a page of a few dozen rows.
    statement = (
        select(*columns)
        .join_from(TrackRegion, Track)
        .outerjoin(TrackMetadata, TrackMetadata.track_id == TrackRegion.track_id)
        .where(TrackRegion.region == region)
    )
    if after is not None:
        statement = statement.where(tuple_(*_SORT_KEY) < tuple_(*after))
    if text:
        statement = statement.where(_contains(text))
    if len(regions) > 1:
        statement = statement.where(~_stands_higher_elsewhere(regions))
    return statement.order_by(*(column.desc() for column in _SORT_KEY)).limit(limit).subquery()


def _contains(text: str) -> ColumnElement[bool]:
    return or_(
        Track.track_name.icontains(text, autoescape=True), Track.artist.icontains(text, autoescape=True)
    )


def _stands_higher_elsewhere(regions: Collection[str]) -> ColumnElement[bool]:
    other = aliased(TrackRegion)
    higher = tuple_(other.last_day, other.last_streams, other.region) > tuple_(
        TrackRegion.last_day, TrackRegion.last_streams, TrackRegion.region
    )
    return (
        select(other.track_id)
        .where(other.track_id == TrackRegion.track_id, other.region.in_(regions), higher)
        .correlate(TrackRegion)
        .exists()
    )


def read_regions_of(connection: Connection, track_ids: Collection[str]) -> dict[str, list[TrackRegionDays]]:
    """For each track the regions whose chart has had it, by code; tracks that never charted are left out."""
    columns = (TrackRegion.region, TrackRegion.first_day, TrackRegion.last_day, TrackRegion.observed_days)
    statement = select(TrackRegion.track_id, *columns).where(TrackRegion.track_id.in_(track_ids))
    found: dict[str, list[TrackRegionDays]] = {}
    for row in connection.execute(statement.order_by(TrackRegion.region)):
        found.setdefault(row[0], []).append(TrackRegionDays(*row[1:]))
    return found


def read_names(connection: Connection, track_id: str) -> tuple[str | None, str | None] | None:
    """The track's name and artist, or None where the store has no such track."""
    statement = select(Track.track_name, Track.artist).where(Track.track_id == track_id)
    row = connection.execute(statement).one_or_none()
    return None if row is None else (row.track_name, row.artist)


def read_history(
    connection: Connection, region: str, track_id: str, *, first: dt.date, last: dt.date, limit: int
) -> list[HistoryDay]:
    """The track's chart days from ``first`` to ``last``, both inclusive, the oldest ``limit`` of them."""
    asked = {"region": region, "track_id": track_id, "first_day": first, "last_day": last}
    rows = connection.execute(_HISTORY.limit(limit), asked)
    return [HistoryDay(*row) for row in rows]
