"""Pages of tracks and of a track's history, and all that is known of one track."""

import datetime as dt

from sqlalchemy import Connection

from app.cursors import bad_cursor, decode_cursor, decode_day, decode_number, encode_cursor
from app.errors import InvalidRequestError, NotFoundError
from app.repository.metadata import read_metadata
from app.repository.regions import read_codes
from app.repository.tracks import (
    ListedTrack,
    TrackKey,
    TrackRegionDays,
    read_history,
    read_names,
    read_regions_of,
    read_tracks,
)
from app.track_ids import parse_track_id
from app.tracks.schemas import HistoryItem, HistoryPage, TrackAnswer, TrackItem, TrackPage


def build_track_page(
    connection: Connection, *, text: str | None, region: str | None, limit: int, cursor: str | None
) -> TrackPage:
    """A page of the tracks that have charted, in ``region`` or in any.

    Raises:
        InvalidRequestError: the cursor is none of ours.
        NotFoundError: the region has no charts.
    """
    after = None if cursor is None else decode_track_key(cursor)
    regions = read_codes(connection, region)
    # One more than asked for tells whether there is a next page.
    tracks = read_tracks(connection, regions, text=text, after=after, limit=limit + 1)
    page = tracks[:limit]
    regions_of = read_regions_of(connection, [track.track_id for track in page])
    return TrackPage(
        items=[_build_item(track, regions_of[track.track_id]) for track in page],
        next_cursor=encode_cursor(*page[-1][:3]) if len(tracks) > limit else None,
    )


def decode_track_key(cursor: str) -> TrackKey:
    """Where the page before ended.

    Raises:
        InvalidRequestError: the cursor is none of ours.
    """
    day, streams, track_id = decode_cursor(cursor, 3)
    try:
        return TrackKey(decode_day(day), decode_number(streams), parse_track_id(track_id))
    except ValueError:
        raise bad_cursor() from None


def _build_item(track: ListedTrack, regions: list[TrackRegionDays]) -> TrackItem:
    return TrackItem(
        track_id=track.track_id,
        track_name=track.track_name,
        artist=track.artist,
        regions=[days.region for days in regions],
        last_observed=track.last_day,
        has_metadata=track.has_metadata,
    )


def build_track(connection: Connection, track_id: str) -> TrackAnswer:
    """All that is known of a track but its streams.

    Raises:
        NotFoundError: the store has no such track.
    """
    names = read_names(connection, track_id)
    if names is None:
        raise NotFoundError(
            f"No chart and no metadata file has had track {track_id}; GET /tracks lists them."
        )
    regions = read_regions_of(connection, [track_id]).get(track_id, [])
    return TrackAnswer.model_validate(
        {
            "track_id": track_id,
            "track_name": names[0],
            "artist": names[1],
            "regions": [days._asdict() for days in regions],
            "metadata": read_metadata(connection, track_id),
        }
    )


def build_history_page(
    connection: Connection,
    region: str,
    track_id: str,
    *,
    first: dt.date | None,
    last: dt.date | None,
    limit: int,
    cursor: str | None,
) -> HistoryPage:
    """A page of the track's chart days from ``first`` to ``last``, the oldest first.

    Raises:
        InvalidRequestError: ``first`` lies after ``last``, or the cursor is none of ours.
        NotFoundError: the region's chart has never had the track.
    """
    if first and last and first > last:
        raise InvalidRequestError(
            f"from ({first}) lies after to ({last}); swap them.", errors=[("query.from", "lies after to")]
        )
    _check_charted(connection, region, track_id)
    start = first or dt.date.min
    if cursor is not None:
        start = max(start, decode_day(*decode_cursor(cursor, 1)))
    days = read_history(connection, region, track_id, first=start, last=last or dt.date.max, limit=limit + 1)
    return HistoryPage(
        track_id=track_id,
        region=region,
        items=[HistoryItem(**day._asdict()) for day in days[:limit]],
        next_cursor=encode_cursor(days[limit].date) if len(days) > limit else None,
    )


def _check_charted(connection: Connection, region: str, track_id: str) -> None:
    regions = [days.region for days in read_regions_of(connection, [track_id]).get(track_id, [])]
    if region not in regions:
        others = f"it has charted in {', '.join(regions)}" if regions else "nor has any other's here"
        raise NotFoundError(f"The chart of region {region} has never had track {track_id}; {others}.")
