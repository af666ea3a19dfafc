"""What uploads say of tracks: their names, and the days they were observed in each region."""

import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    String,
    any_,
    bindparam,
    case,
    delete,
    func,
    select,
)

from app.forecasting.artists import artist_id, artist_key
from app.models import DailyStreams, Track, TrackRegion
from app.repository.chart_change import ChartChange
from app.repository.regions import count_change_of_artists
from app.repository.upsert import Excluded, in_batches, overwrite, upsert_rows


class Naming(NamedTuple):
    """The newest name and artist that an upload has for a track, each with the chart day it is from."""

    track_name: str | None = None
    named_on: dt.date = dt.date.min
    artist: str | None = None
    credited_on: dt.date = dt.date.min


def upsert_tracks(connection: Connection, namings: Mapping[str, Naming]) -> None:
    """Make new tracks, and give the ones there are their newer names.

    A name from a day before the track's last observed one fills a gap, and overwrites nothing.
    To be called before the upload's days count as observed.
    """
    rows, other_artists = [], False
    for batch in in_batches(sorted(namings)):
        stored = _read_names(connection, batch)
        renamed = [t for t in batch if stored.get(t) != (namings[t].track_name, namings[t].artist)]
        last_days = _read_last_days(connection, [t for t in renamed if t in stored])
        for track_id in renamed:
            names = _choose_names(namings[track_id], stored.get(track_id), last_days.get(track_id))
            if names != (known := stored.get(track_id)):
                rows.append((track_id, *names, artist_id(names[1])))
                other_artists |= known is not None and artist_key(known[1]) != artist_key(names[1])
    columns = ("track_name", "artist", "artist_id")
    upsert_rows(connection, Track, ("track_id", *columns), rows, merge=overwrite(*columns))
    if other_artists:
        count_change_of_artists(connection)


Names = tuple[str | None, str | None]  # a track's name and its artist
_TRACKS: BindParameter[str] = bindparam("track_ids", expanding=True)
_LAST_DAYS = (
    select(TrackRegion.track_id, func.max(TrackRegion.last_day))
    .where(TrackRegion.track_id.in_(_TRACKS))
    .group_by(TrackRegion.track_id)
)


def _read_names(connection: Connection, track_ids: Sequence[str]) -> dict[str, Names]:
    ids = track_ids if connection.dialect.name == "postgresql" else json.dumps(track_ids)
    rows = connection.execute(_select_names(connection.dialect.name), {"track_ids": ids}).all()
    return {track_id: (track_name, artist) for track_id, track_name, artist in rows}


@lru_cache
def _select_names(dialect: str) -> Select[str, str | None, str | None]:
    """The tracks are one parameter: a list of 200 takes SQLAlchemy longer to write out than to read."""
    names = select(Track.track_id, Track.track_name, Track.artist)
    if dialect == "postgresql":
        return names.where(Track.track_id == any_(bindparam("track_ids", type_=ARRAY(String))))
    asked = func.json_each(bindparam("track_ids", type_=String)).table_valued("value")
    return names.join_from(asked, Track, Track.track_id == asked.c.value)


def _read_last_days(connection: Connection, track_ids: Sequence[str]) -> dict[str, dt.date]:
    if not track_ids:
        return {}
    return {row[0]: row[1] for row in connection.execute(_LAST_DAYS, {"track_ids": track_ids})}


def _choose_names(new: Naming, stored: Names | None, last_day: dt.date | None) -> Names:
    old_name, old_artist = stored or (None, None)
    known_to = last_day or dt.date.min
    track_name = new.track_name if new.named_on >= known_to else None
    artist = new.artist if new.credited_on >= known_to else None
    return track_name or old_name or new.track_name, artist or old_artist or new.artist


class _Observed(NamedTuple):
    """What is known of a track in a region, in the order of ``_OBSERVED``."""

    first_day: dt.date
    last_day: dt.date
    last_streams: int
    observed_days: int


def update_track_regions(connection: Connection, changes: Iterable[ChartChange]) -> None:
    """Bring every track that ``changes`` touch up to date, from the changes alone where that suffices.

    What a removal leaves behind only the rows themselves can say; to be called when they are written, and
    the days they are of as well.
    """
    by_region: defaultdict[str, list[ChartChange]] = defaultdict(list)
    for change in changes:
        by_region[change.region].append(change)
    for region, changed in sorted(by_region.items()):
        _upsert_observed(connection, region, _observe(changed))
        _count_again(connection, region, {track_id for change in changed for track_id in change.removed})


def _observe(changes: Sequence[ChartChange]) -> dict[str, _Observed]:
    """What the days inserted or corrected say of their tracks, on their own."""
    ordered = sorted(changes, key=attrgetter("date"))
    counts = Counter(chain.from_iterable(change.inserted for change in ordered))
    touched = [
        change.inserted | change.updated.keys() if change.updated else change.inserted for change in ordered
    ]
    first: dict[str, dt.date] = {}
    last: dict[str, ChartChange] = {}
    for change, track_ids in zip(ordered, touched, strict=True):
        last.update(dict.fromkeys(track_ids, change))
    for change, track_ids in zip(reversed(ordered), reversed(touched), strict=True):
        first.update(dict.fromkeys(track_ids, change.date))
    return {
        t: _Observed(first[t], change.date, change.after.streams[t], counts[t]) for t, change in last.items()
    }


_DAYS = select(DailyStreams.track_id, DailyStreams.date, DailyStreams.streams).where(
    DailyStreams.region == bindparam("region"), DailyStreams.track_id.in_(_TRACKS)
)
_FORGET = delete(TrackRegion).where(
    TrackRegion.region == bindparam("region"), TrackRegion.track_id.in_(_TRACKS)
)
_OBSERVED = ("first_day", "last_day", "last_streams", "observed_days")


def _upsert_observed(connection: Connection, region: str, observed: Mapping[str, _Observed]) -> None:
    # By first day: tracks that came together stay together, as they would have one day at a time.
    ordered = sorted(observed.items(), key=lambda item: (item[1].first_day, item[0]))
    rows = ((region, t, *known) for t, known in ordered)
    upsert_rows(connection, TrackRegion, ("region", "track_id", *_OBSERVED), rows, merge=_merge_observed)


def _merge_observed(new: Excluded) -> dict[str, ColumnElement[Any]]:
    """What was known of a track and what further days say of it, taken together, in the store."""
    known = TrackRegion
    return {
        "first_day": case((new["first_day"] < known.first_day, new["first_day"]), else_=known.first_day),
        "last_day": case((new["last_day"] > known.last_day, new["last_day"]), else_=known.last_day),
        "last_streams": case(
            (new["last_day"] >= known.last_day, new["last_streams"]), else_=known.last_streams
        ),
        "observed_days": known.observed_days + new["observed_days"],
    }


def _count_again(connection: Connection, region: str, track_ids: Collection[str]) -> None:
    for batch in in_batches(sorted(track_ids)):
        observed: dict[str, _Observed] = {}
        for track_id, day, streams in connection.execute(_DAYS, {"region": region, "track_ids": batch}):
            known = observed.get(track_id, _Observed(day, day, streams, 0))
            last_day, last_streams = max((known.last_day, known.last_streams), (day, streams))
            first_day = min(known.first_day, day)
            observed[track_id] = _Observed(first_day, last_day, last_streams, known.observed_days + 1)
        connection.execute(_FORGET, {"region": region, "track_ids": batch})
        _upsert_observed(connection, region, observed)
