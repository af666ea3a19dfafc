"""Reading artists: the listing, one artist's tracks, what they streamed."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Subquery, func, select, tuple_, union_all
from sqlalchemy.orm import aliased

from app.forecasting.artists import artist_name
from app.models import DailyStreams, Track, TrackRegion
from app.repository.tracks import TrackKey


class ListedArtist(NamedTuple):
    """An artist in the listing, by the track that leads it, without its regions."""

    last_day: dt.date
    last_streams: int
    track_id: str
    artist: str
    artist_id: str


class ArtistTrack(NamedTuple):
    """One track of an artist in one region, over all its days."""

    region: str
    track_id: str
    track_name: str | None
    artist: str
    first_day: dt.date
    last_day: dt.date
    observed_days: int
    streams: int


class TrackSpan(NamedTuple):
    """From when to when a region's chart has had a track."""

    track_id: str
    artist: str
    first_day: dt.date
    last_day: dt.date


class ArtistDay(NamedTuple):
    """What some tracks of an artist had on one chart."""

    date: dt.date
    streams: int
    tracks: int


_SORT_KEY = (TrackRegion.last_day, TrackRegion.last_streams, TrackRegion.track_id)


def read_artists_page(
    connection: Connection, regions: Sequence[str], *, text: str | None, after: TrackKey | None, limit: int
) -> list[ListedArtist]:
    """A page of the artists that these regions' charts have had.

    An artist stands where its leading track does: the one observed last, with the most streams.

    Args:
        connection: To the store.
        regions: The regions that count.
        text: Part of the artist's name, in any case.
        after: The leading track of the last artist of the page before.
        limit: The most artists to read.
    """
    if not regions:
        return []
    pages = [_select_page(region, regions, text, after, limit) for region in regions]
    merged = union_all(*(select(page) for page in pages)).subquery()
    order = [merged.c[name].desc() for name in TrackKey._fields]
    return [ListedArtist(*row) for row in connection.execute(select(merged).order_by(*order).limit(limit))]


def _select_page(
    region: str, regions: Collection[str], text: str | None, after: TrackKey | None, limit: int
) -> Subquery:
    statement = (
        select(*_SORT_KEY, Track.artist, Track.artist_id)
        .join_from(TrackRegion, Track)
        .where(TrackRegion.region == region, Track.artist_id.is_not(None), ~_is_led_by_another(regions))
    )
    if after is not None:
        statement = statement.where(tuple_(*_SORT_KEY) < tuple_(*after))
    if text:
        named_first = func.split_part(Track.artist, ",", 1)
        statement = statement.where(named_first.icontains(artist_name(text) or text, autoescape=True))
    return statement.order_by(*(column.desc() for column in _SORT_KEY)).limit(limit).subquery()


def _is_led_by_another(regions: Collection[str]) -> ColumnElement[bool]:
    """Whether a track of the same artist, or the same one elsewhere, stands higher."""
    other, its_track = aliased(TrackRegion), aliased(Track)
    higher = tuple_(other.last_day, other.last_streams, other.track_id, other.region) > tuple_(
        *_SORT_KEY, TrackRegion.region
    )
    return (
        select(other.track_id)
        .join(its_track, its_track.track_id == other.track_id)
        .where(its_track.artist_id == Track.artist_id, other.region.in_(regions), higher)
        .correlate(TrackRegion, Track)
        .exists()
    )


def read_regions_of_artists(connection: Connection, artist_ids: Collection[str]) -> dict[str, list[str]]:
    """For each artist the regions whose chart has had a track of it, by code."""
    statement = (
        select(Track.artist_id, TrackRegion.region)
        .join(TrackRegion, TrackRegion.track_id == Track.track_id)
        .where(Track.artist_id.in_(artist_ids))
        .distinct()
        .order_by(Track.artist_id, TrackRegion.region)
    )
    found: dict[str, list[str]] = {}
    for of_artist, region in connection.execute(statement):
        found.setdefault(str(of_artist), []).append(region)
    return found


def read_artist_tracks(
    connection: Connection, artist_ids: Collection[str], region: str | None
) -> list[ArtistTrack]:
    """Every track of an artist that charted, in ``region`` or in any: by region, the latest first."""
    summed = (
        select(func.sum(DailyStreams.streams))
        .where(DailyStreams.region == TrackRegion.region, DailyStreams.track_id == TrackRegion.track_id)
        .correlate(TrackRegion)
        .scalar_subquery()
    )
    spans = (TrackRegion.first_day, TrackRegion.last_day, TrackRegion.observed_days)
    statement = (
        select(TrackRegion.region, Track.track_id, Track.track_name, Track.artist, *spans, summed)
        .join(TrackRegion, TrackRegion.track_id == Track.track_id)
        .where(Track.artist_id.in_(artist_ids))
        .order_by(TrackRegion.region, *(column.desc() for column in _SORT_KEY))
    )
    if region is not None:
        statement = statement.where(TrackRegion.region == region)
    return [ArtistTrack._make((*row[:-1], int(row[-1]))) for row in connection.execute(statement)]


def read_artist_spans(connection: Connection, artist_ids: Collection[str], region: str) -> list[TrackSpan]:
    """The artist's tracks that a region's chart has had, on whatever day."""
    statement = (
        select(Track.track_id, Track.artist, TrackRegion.first_day, TrackRegion.last_day)
        .join(TrackRegion, TrackRegion.track_id == Track.track_id)
        .where(Track.artist_id.in_(artist_ids), TrackRegion.region == region)
        .order_by(Track.track_id)
    )
    return [TrackSpan._make(row) for row in connection.execute(statement)]


def count_artist_days(connection: Connection, artist_ids: Collection[str]) -> dict[str, int]:
    """On how many days each region's chart had a track of the artist."""
    statement = (
        select(TrackRegion.region, func.count(DailyStreams.date.distinct()))
        .join(Track, Track.track_id == TrackRegion.track_id)
        .join(
            DailyStreams,
            (DailyStreams.region == TrackRegion.region) & (DailyStreams.track_id == TrackRegion.track_id),
        )
        .where(Track.artist_id.in_(artist_ids))
        .group_by(TrackRegion.region)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def read_artist_days(
    connection: Connection, region: str, track_ids: Collection[str], first_day: dt.date, last_day: dt.date
) -> list[ArtistDay]:
    """What the tracks had together on each day from ``first_day`` to ``last_day`` on which any charted."""
    statement = (
        select(DailyStreams.date, func.sum(DailyStreams.streams), func.count())
        .where(DailyStreams.region == region, DailyStreams.track_id.in_(track_ids))
        .where(DailyStreams.date.between(first_day, last_day))
        .group_by(DailyStreams.date)
        .order_by(DailyStreams.date)
    )
    return [ArtistDay(day, int(streams), tracks) for day, streams, tracks in connection.execute(statement)]
