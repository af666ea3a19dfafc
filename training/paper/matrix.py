"""The paper's dates x songs matrix: songs that charted throughout, single missing days filled.

Filling looks at the day after the gap. That belongs to this remake alone: no window of a served model, and no
cell that is scored here, begins or ends on a filled day.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Days, Floats, Ints
from training.panel import Panel


@dataclass(frozen=True)
class SongMatrix:
    """Consecutive days of some songs, without a hole.

    Attributes:
        days: (dates,)
        tracks: Rows of the panel. (songs,)
        streams: Of each day, filled where a single day was missing. (dates, songs)
        observed: False where filled. (dates, songs)
    """

    days: Days
    tracks: Ints
    streams: Floats
    observed: NDArray[np.bool_]

    def of(self, tracks: Ints) -> "SongMatrix":
        """The same days of some of the songs, in the order given.

        Raises:
            ValueError: a song is not in the matrix.
        """
        missing = np.setdiff1d(tracks, self.tracks)
        if len(missing):
            raise ValueError(f"songs {missing.tolist()} are not in the matrix")
        column = {track: index for index, track in enumerate(self.tracks.tolist())}
        columns = [column[track] for track in tracks.tolist()]
        return SongMatrix(self.days, tracks, self.streams[:, columns], self.observed[:, columns])


def build_matrix(panel: Panel, *, n_days: int, min_share: float) -> SongMatrix:
    """The panel's last ``n_days`` days of the songs that charted on them.

    A song is taken if it charted on at least ``min_share`` of the days and never missed two in a row, nor the
    first or the last: a longer gap drops the song, since dropping the dates would tear every song's windows.

    Raises:
        ValueError: the panel is shorter, or no song charted so long.
    """
    if n_days > len(panel.days):
        raise ValueError(f"a matrix of {n_days} days wants more than the {len(panel.days)} days of the chart")
    streams = panel.streams[:, -n_days:]
    observed = np.isfinite(streams)
    filled = fill_single_gaps(streams)
    keep = (observed.mean(axis=1) >= min_share) & np.isfinite(filled).all(axis=1)
    if not keep.any():
        raise ValueError(f"no song charted throughout the last {n_days} days")
    return SongMatrix(panel.days[-n_days:], np.flatnonzero(keep), filled[keep].T, observed[keep].T)


def fill_single_gaps(streams: Floats) -> Floats:
    """Give a day missing between two observed ones the mean of the two; leave longer gaps. (songs, days)"""
    before, day, after = streams[:, :-2], streams[:, 1:-1], streams[:, 2:]
    filled = streams.copy()
    filled[:, 1:-1] = np.where(np.isnan(day), (before + after) / 2, day)  # NaN beside a second missing day
    return filled


def choose_few(matrices: list[SongMatrix], n_songs: int, n_training: int) -> Ints:
    """The songs with most streams in the training part of the first matrix, among those in all of them."""
    first = matrices[0]
    common = [t for t in first.tracks.tolist() if all(t in m.tracks for m in matrices)]
    means = first.of(np.array(common, dtype=int)).streams[:n_training].mean(axis=0)
    few: Ints = np.array(common, dtype=int)[np.argsort(-means, kind="stable")[:n_songs]]
    return few
