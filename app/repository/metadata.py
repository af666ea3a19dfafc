"""Writing and reading tracks' metadata."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, case, func, select
from sqlalchemy.dialects import sqlite

from app.dates import to_utc
from app.forecasting.artists import artist_id
from app.forecasting.spec import FEATURES
from app.models import Track, TrackMetadata
from app.repository.regions import count_change_of_artists

_VALUES = (*FEATURES, "release_date")
_PROVENANCE = ("source", "updated_at")
_BATCH = 5_000
_TRACKS: BindParameter[str] = bindparam("track_ids", expanding=True)
_UNCREDITED = select(Track.track_id).where(Track.track_id.in_(_TRACKS), Track.artist.is_(None)).limit(1)


def upsert_metadata(connection: Connection, tracks: Mapping[str, Mapping[str, Any]], source: str) -> None:
    """Add values to many tracks, making those not yet known.

    A value replaces the stored one; what ``tracks`` leaves out stays. Names (``track_name``, ``artist``)
    only fill in where the store has none: the charts know them better.
    """
    # Sorted: two uploads at once then lock the rows in the same order, and neither waits on the other.
    ids = sorted(tracks)
    for start in range(0, len(ids), _BATCH):
        chunk = ids[start : start + _BATCH]
        upsert_track_names(connection, {track_id: tracks[track_id] for track_id in chunk})
        rows = [_build_row(track_id, tracks[track_id], source) for track_id in chunk]
        if filled := [row for row in rows if any(row[name] is not None for name in _VALUES)]:
            connection.execute(_merge_statement(connection), filled)


def upsert_track_names(connection: Connection, tracks: Mapping[str, Mapping[str, Any]]) -> None:
    """Make the tracks that are not there, and fill in names where the stored are null."""
    rows = [
        {
            "track_id": track_id,
            "track_name": values.get("track_name"),
            "artist": values.get("artist"),
            "artist_id": artist_id(values.get("artist")),
        }
        for track_id, values in tracks.items()
    ]
    statement = _insert(connection, Track)
    new = statement.excluded
    filled: dict[str, Any] = {
        name: func.coalesce(getattr(Track, name), new[name]) for name in ("track_name", "artist")
    }
    # Not where it is null: an artist whose name is only a comma has none.
    filled["artist_id"] = case((Track.artist.is_(None), new["artist_id"]), else_=Track.artist_id)
    named = [row["track_id"] for row in rows if row["artist"]]
    fills_in = bool(named) and connection.execute(_UNCREDITED, {"track_ids": named}).first() is not None
    connection.execute(statement.on_conflict_do_update(index_elements=["track_id"], set_=filled), rows)
    if fills_in:
        count_change_of_artists(connection)


def replace_values(connection: Connection, track_id: str, values: Mapping[str, Any], source: str) -> None:
    """Set exactly the values given, null included; the others stay."""
    upsert_track_names(connection, {track_id: {}})
    statement = _insert(connection, TrackMetadata)
    taken = {name: statement.excluded[name] for name in (*values, *_PROVENANCE)}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["track_id"], set_=taken),
        _build_row(track_id, values, source),
    )


def read_metadata(connection: Connection, track_id: str) -> dict[str, Any] | None:
    """The track's values with their source and time (UTC), or None where it has no metadata."""
    columns = [getattr(TrackMetadata, name) for name in (*_VALUES, *_PROVENANCE)]
    row = connection.execute(select(*columns).where(TrackMetadata.track_id == track_id)).one_or_none()
    if row is None:
        return None
    stored = dict(row._mapping)
    stored["updated_at"] = to_utc(stored["updated_at"])
    return stored


def _build_row(track_id: str, values: Mapping[str, Any], source: str) -> dict[str, Any]:
    given = {name: values.get(name) for name in _VALUES}
    return {"track_id": track_id, **given, "source": source, "updated_at": dt.datetime.now(dt.UTC)}


def _merge_statement(connection: Connection) -> Any:
    statement = _insert(connection, TrackMetadata)
    merged = {name: func.coalesce(statement.excluded[name], getattr(TrackMetadata, name)) for name in _VALUES}
    taken = {name: statement.excluded[name] for name in _PROVENANCE}
    return statement.on_conflict_do_update(index_elements=["track_id"], set_={**merged, **taken})


def _insert(connection: Connection, table: type[Track] | type[TrackMetadata]) -> Any:
    # Both dialects write the upsert alike, but SQLAlchemy has one construct for each.
    if connection.dialect.name != "postgresql":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # slow to import: for a store on PostgreSQL alone

    return postgresql.insert(table)


def read_all_metadata(connection: Connection) -> dict[str, dict[str, Any]]:
    """The features and release date of every track that has metadata, by track id."""
    columns = select(TrackMetadata.track_id, *(getattr(TrackMetadata, name) for name in _VALUES))
    return {row[0]: dict(zip(_VALUES, row[1:], strict=True)) for row in connection.execute(columns)}
