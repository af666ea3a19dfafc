"""The only maker of model inputs, for training and for serving.

Every step of a window is a cutoff of its own: its channels read that day and earlier ones, and calendar
facts of the days after. Training takes a loss at many steps of one long stretch; serving takes the last
step of a short one. One builder, two slices.
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Floats, History, Ints, day_numbers
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.scaling import scale_features
from app.forecasting.spec import ForecastSpec
from app.forecasting.track_covariates import LEAD_IN, NAMES, build_track_covariates

CHUNK = 64  # tracks at a time: larger blocks fall out of the cache

Places = slice | Ints
MarketRows = tuple[None, slice] | Ints


@dataclass(frozen=True)
class Windows:
    """Model inputs, and what its outputs are added to.

    Attributes:
        covariates: (tracks, steps, channels)
        static: Scaled features and their masks; no columns without static covariates. (tracks, 0 or 26)
        artist: Scaled counts of the artist's other tracks; no columns without artist covariates.
            (tracks, steps, 0 or 2)
        log_last: Log streams of the last observed day, NaN where there is none near. (tracks, steps)
        since_last: What the market did since that day. (tracks, steps)
        market: The region's shared channels, whose rhythm says what the market will do.
        market_rows: Its row of each cutoff, or the one row of all. (tracks or 1,)
        horizon: Days ahead.
    """

    covariates: NDArray[np.float32]
    static: NDArray[np.float32]
    artist: NDArray[np.float32]
    log_last: Floats
    since_last: Floats
    market: MarketCovariates
    market_rows: Ints
    horizon: int

    @property
    def base(self) -> Floats:
        """Log-ratio from the last observed day to each day ahead, by the market alone: what it did since,
        and what its weekly rhythm says it will do. (tracks, steps, horizon)
        """
        rows = _rows_up_to(self.market_rows, self.since_last.shape[1])
        return self.since_last[:, :, None] + self.market.rhythm[rows][:, :, : self.horizon]

    @property
    def last_base(self) -> Floats:
        """``base`` of the last step. (tracks, horizon)"""
        return self.since_last[:, -1:] + self.market.rhythm[self.market_rows, : self.horizon]


def build_windows(history: History, market: MarketCovariates, spec: ForecastSpec) -> Windows:
    """Make the windows of some tracks of one region.

    Args:
        history: Grids of ``LEAD_IN`` days and then the steps: ``spec.context_length`` of them to
            serve, more to train on.
        market: The region's shared channels, up to the latest cutoff at least.
        spec: Which channels, in which order.

    Raises:
        ValueError: a cutoff lies outside the market's days, or the grid holds no step.
    """
    n_days = history.streams.shape[1]
    if n_days <= LEAD_IN:
        raise ValueError(f"a grid of {n_days} days holds no step after its {LEAD_IN} days of lead-in")
    rows = _market_rows(history, market)
    static = scale_features(history.features) if spec.static_covariates else np.zeros((len(history), 0))
    shape = len(history), n_days - LEAD_IN
    windows = Windows(
        covariates=np.empty((*shape, len(spec.covariates)), dtype=np.float32),
        static=static.astype(np.float32),
        artist=np.log1p(history.companions[:, LEAD_IN:, : len(spec.artist_covariates)]),
        log_last=np.empty(shape),
        since_last=np.empty(shape),
        market=market,
        market_rows=rows,
        horizon=spec.horizon,
    )
    for start in range(0, len(history), CHUNK):
        _fill(windows, slice(start, start + CHUNK), history, spec)
    return windows


def _fill(windows: Windows, part: slice, history: History, spec: ForecastSpec) -> None:
    """Make the channels of some of the tracks."""
    market, rows = windows.market, windows.market_rows
    if len(history) > CHUNK:
        history, rows = history.part(part), rows[part] if len(rows) > 1 else rows
    days = _rows_up_to(rows, history.streams.shape[1])
    track = build_track_covariates(
        history,
        cumulative_movement=market.cumulative_movement[days],
        log_threshold=market.log_threshold[days],
    )
    windows.log_last[part], windows.since_last[part] = track.log_last, track.since_last
    layout = _lay_out(spec.covariates, market.names)
    covariates, steps = windows.covariates[part], _rows_up_to(rows, windows.covariates.shape[1])
    covariates[:, :, layout.shared] = market.table[steps][:, :, layout.columns]
    covariates[:, :, layout.own] = track.channels.take(layout.made, axis=0).transpose(1, 2, 0)


def _market_rows(history: History, market: MarketCovariates) -> Ints:
    """The row of ``market`` of each cutoff, or the one row of all. (tracks or 1,)"""
    rows = day_numbers(history.cutoffs) - market.first_day_number
    if not len(rows):
        return rows
    first, last = int(rows.min()), int(rows.max())
    if first < 0 or last >= len(market):
        raise ValueError("a cutoff lies outside the days of the market")
    return rows[:1] if first == last else rows


def _rows_up_to(cutoffs: Ints, n_days: int) -> MarketRows:
    """The market's rows of the days up to each cutoff; the last row for days before its first.

    What many tracks of one day share is a view: nothing is copied for each of them.
    """
    if len(cutoffs) == 1 and (end := int(cutoffs[0]) + 1) >= n_days:
        return None, slice(end - n_days, end)
    rows: Ints = np.maximum(cutoffs[:, None] - np.arange(n_days)[::-1], -1)
    return rows


class _Layout(NamedTuple):
    """Where the channels of a spec come from.

    Attributes:
        own: The channels that are the track's own.
        made: Their places among those that are made.
        shared: The channels that the market's table has.
        columns: Its columns of them.
    """

    own: Places
    made: Ints
    shared: Places
    columns: Places


@cache
def _lay_out(covariates: tuple[str, ...], names: tuple[str, ...]) -> _Layout:
    shared = [i for i, name in enumerate(covariates) if name in names]
    own = sorted(set(range(len(covariates))).difference(shared))
    return _Layout(
        own=places(own),
        made=np.array([NAMES.index(covariates[i]) for i in own], dtype=np.int64),
        shared=places(shared),
        columns=places([names.index(covariates[i]) for i in shared]),
    )


def places(indices: list[int]) -> Places:
    """An index of these places: a slice where they are consecutive, which is copied as a block."""
    first = indices[0] if indices else 0
    if indices == list(range(first, first + len(indices))):
        return slice(first, first + len(indices))
    return np.array(indices)
