"""Every track's row on the eve of its entry, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Days, Floats, Ints
from app.forecasting.popularity import (
    POSITIONS,
    WINDOW,
    Newcomer,
    build_row,
    log_over_threshold,
    measure_window,
)
from training.panel import Panel

LEAD_IN = 60  # days of a chart before the first entry: one off it for fewer is not new


@dataclass(frozen=True)
class Rows:
    """Tracks that were first seen on a chart that was followed for some time.

    Attributes:
        inputs: What was known on the eve. (tracks, inputs)
        entries: The first chart day. (tracks,)
        peaks: The most log streams over the day's threshold within 60 days, NaN where they are not over.
        positions: The best position within them, NaN likewise. (tracks,)
        days: The chart days within them, NaN likewise. (tracks,)
    """

    inputs: NDArray[np.float32]
    entries: Days
    peaks: Floats
    positions: Floats
    days: Floats

    def __len__(self) -> int:
        return len(self.entries)

    def where(self, chosen: NDArray[np.bool_]) -> "Rows":
        """Some of them. (tracks,)"""
        return Rows(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def complete(self, through: np.datetime64) -> "Rows":
        """Those whose 60 days are over by ``through``, that day included."""
        return self.where(np.isfinite(self.days) & (self.entries + (WINDOW - 1) <= through))

    def after(self, day: np.datetime64) -> "Rows":
        """Those that entered after ``day``."""
        return self.where(self.entries > day)


def build_rows(panels: Sequence[Panel]) -> Rows:
    """The rows of some regions' charts."""
    parts = [_rows_of(panel) for panel in panels]
    return Rows(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Rows)))


def _rows_of(panel: Panel) -> Rows:
    tracks = np.flatnonzero(panel.first_index >= LEAD_IN)
    by_artist = {a: np.flatnonzero(panel.artists == a) for a in np.unique(panel.artists) if a >= 0}
    inputs = [build_row(_newcomer_of(panel, int(track), by_artist), panel.covariates) for track in tracks]
    entries = panel.first_index[tracks]
    whole = entries + WINDOW <= len(panel.days)
    peaks, positions, days = (np.full(len(tracks), np.nan) for _ in range(3))
    relative = log_over_threshold(panel.streams[tracks[whole]], panel.covariates)
    peaks[whole], days[whole] = measure_window(relative, entries[whole])
    best, _ = measure_window(-panel.positions[tracks[whole]], entries[whole])
    positions[whole] = np.minimum(-best, POSITIONS)
    return Rows(np.array(inputs, dtype=np.float32), panel.days[entries], peaks, positions, days)


def _newcomer_of(panel: Panel, track: int, by_artist: dict[int, Ints]) -> Newcomer:
    artist = int(panel.artists[track])
    others = by_artist.get(artist, np.array([], dtype=np.int64))
    entry = int(panel.first_index[track])
    return Newcomer(
        entry=entry,
        features=panel.features[track],
        release_day=panel.release_days[track],
        artist_known=artist >= 0,
        artist_streams=panel.streams[others[panel.first_index[others] < entry], :entry],
    )
