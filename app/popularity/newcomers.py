"""What of a region's charts tells of newcomers, kept per process while the region's data stay as they are."""

import datetime as dt
from collections import defaultdict
from threading import Lock

import numpy as np
from sqlalchemy import Connection

from app.forecasting.artists import artist_key
from app.forecasting.history import Floats, Ints
from app.repository.history import count_debuts, read_artists, read_entries
from app.repository.regions import RegionState


class RegionNewcomers:
    """When a region's tracks were first seen, and whose they are.

    Attributes:
        debuts: Tracks first seen on each day, none on the first: they were there before. (days,)
    """

    def __init__(self, connection: Connection, region: RegionState) -> None:
        self.debuts: Ints = np.zeros((region.last_day - region.first_day).days + 1, dtype=np.int64)
        for day, count in count_debuts(connection, region.code).items():
            self.debuts[(day - region.first_day).days] = count
        self.debuts[0] = 0
        self._tracks: dict[str, list[str]] = defaultdict(list)
        for track_id, artist in read_artists(connection, region.code).items():
            self._tracks[artist_key(artist)].append(track_id)

    def tracks_of(self, artist: str | None) -> list[str]:
        """The ids of the artist's tracks, whenever they charted; none of an artist that is unknown."""
        key = artist_key(artist)
        return self._tracks.get(key, []) if key else []


class NewcomerCache:
    """Of each region, by the version of its data: it is never stale."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[str, tuple[RegionState, RegionNewcomers]] = {}

    def read(self, connection: Connection, region: RegionState) -> RegionNewcomers:
        """What the region's charts say by now."""
        with self._lock:
            kept = self._kept.get(region.code)
        if kept is None or kept[0] != region:
            kept = (region, RegionNewcomers(connection, region))
            with self._lock:
                self._kept[region.code] = kept
        return kept[1]


def read_streams(connection: Connection, region: RegionState, track_ids: list[str], eve: dt.date) -> Floats:
    """Streams of those of the tracks that had charted by ``eve``, NaN off the chart. (tracks, days)"""
    entries = read_entries(connection, region.code, sorted(track_ids), region.first_day, eve)
    streams = np.full((len(entries), (eve - region.first_day).days + 1), np.nan)
    for row, of_track in enumerate(entries.values()):
        streams[row, [(day - region.first_day).days for day in of_track.days]] = of_track.streams
    return streams
