"""Whose a region's tracks are, kept per process while its data stay as they are; and their streams."""

import datetime as dt
from threading import Lock

import numpy as np
from sqlalchemy import Connection

from app.forecasting.artists import artist_key
from app.forecasting.history import Floats
from app.repository.history import read_artists, read_entries
from app.repository.regions import RegionState


class ArtistCache:
    """Whose each region's tracks are, by the version of the region's data: it is never stale."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[str, tuple[RegionState, dict[str, list[str]]]] = {}

    def tracks_of(self, connection: Connection, region: RegionState, artist: str | None) -> list[str]:
        """The ids of the artist's tracks, whenever they charted; none of an artist that is unknown."""
        key = artist_key(artist)
        return self._read(connection, region).get(key, []) if key else []

    def _read(self, connection: Connection, region: RegionState) -> dict[str, list[str]]:
        with self._lock:
            kept = self._kept.get(region.code)
        if kept is None or kept[0] != region:
            kept = (region, _read_tracks(connection, region))
            with self._lock:
                self._kept[region.code] = kept
        return kept[1]


def _read_tracks(connection: Connection, region: RegionState) -> dict[str, list[str]]:
    """The ids of every artist's tracks."""
    tracks: dict[str, list[str]] = {}
    for track_id, artist in read_artists(connection, region.code).items():
        tracks.setdefault(artist_key(artist), []).append(track_id)
    return tracks


def read_streams(connection: Connection, region: RegionState, track_ids: list[str], eve: dt.date) -> Floats:
    """Streams of those of the tracks that had charted by ``eve``, NaN off the chart. (tracks, days)"""
    entries = read_entries(connection, region.code, sorted(track_ids), region.first_day, eve)
    streams = np.full((len(entries), (eve - region.first_day).days + 1), np.nan)
    for row, of_track in enumerate(entries.values()):
        streams[row, [(day - region.first_day).days for day in of_track.days]] = of_track.streams
    return streams
