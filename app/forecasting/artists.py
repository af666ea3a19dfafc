"""What a track's artist has on the chart beside it: an album that debuts whole falls faster than a single."""

from collections.abc import Iterable, Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Ints

DEBUT_DAYS = 7  # a track counts as new for so many days from its first on the chart


def artist_name(name: str | None) -> str:
    """The first artist named, as it is spelt; empty where there is none."""
    return (name or "").split(",")[0].strip()


def artist_key(name: str | None) -> str:
    """What tells artists apart: the first one named, whatever the spelling; empty where there is none."""
    return artist_name(name).casefold()


def artist_id(name: str | None) -> str | None:
    """An id that is the same for every spelling of an artist, everywhere; None where there is none.

    Charts and metadata carry names alone. It is the first 16 digits of the SHA-256 of ``artist_key``.
    """
    key = artist_key(name)
    return sha256(key.encode("utf-8", "replace")).hexdigest()[:16] if key else None


def number_artists(names: Sequence[str | None]) -> Ints:
    """A number for each track's artist, -1 where it is unknown. (tracks,)"""
    keys = [artist_key(name) for name in names]
    known = {key: number for number, key in enumerate(sorted(set(keys) - {""}))}
    return np.array([known.get(key, -1) for key in keys], dtype=np.int64)


def count_companions(
    artists: Ints, charting: NDArray[np.bool_], age: Ints
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Count, on each day's chart, the other tracks of each track's artist, and the new ones among them.

    Args:
        artists: A number for the artist, -1 where unknown. (tracks,)
        charting: Whether the track is on the day's chart. (tracks, days)
        age: Days since the track was first on a chart. (tracks, days)

    Returns:
        Two arrays (tracks, days); 0 where the artist is unknown.
    """
    new = charting & (age >= 0) & (age < DEBUT_DAYS)
    return _others(artists, charting), _others(artists, new)


def _others(artists: Ints, counted: NDArray[np.bool_]) -> NDArray[np.float32]:
    totals = np.zeros((int(artists.max(initial=-1)) + 2, counted.shape[1]), dtype=np.float32)
    np.add.at(totals, artists + 1, counted.astype(np.float32))
    known = (artists >= 0)[:, None]
    return np.where(known, totals[artists + 1] - counted, np.float32(0)).astype(np.float32)


class ChartArtists:
    """One day's chart by artist, to look a track's companions up in: ``count_companions`` of that day.

    Args:
        chart: Of each track on it: its id, its artist, and the days since it was first on a chart.
    """

    def __init__(self, chart: Iterable[tuple[str, str | None, int]]) -> None:
        self._counts: dict[str, list[int]] = {}
        self._own: dict[str, int] = {}  # on the chart: 1 where new, else 0
        for track_id, artist, age in chart:
            self._own[track_id] = new = int(0 <= age < DEBUT_DAYS)
            if key := artist_key(artist):
                counts = self._counts.setdefault(key, [0, 0])
                counts[0] += 1
                counts[1] += new

    def companions(self, track_id: str, artist: str | None) -> tuple[int, int]:
        """How many other tracks of its artist are on the chart, and how many new ones among them."""
        others, new = self._counts.get(artist_key(artist), (0, 0))
        if others and track_id in self._own:
            return others - 1, new - self._own[track_id]
        return others, new
