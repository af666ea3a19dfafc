"""The only maker of model inputs, for training and for serving.

Every step of a window is a cutoff of its own: its channels read that day and earlier ones, and calendar
facts of the days after. Training takes a loss at many steps of one long stretch; serving takes the last
step of a short one. One builder, two slices.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Floats, History, Ints, day_numbers
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.scaling import scale_features
from app.forecasting.spec import ForecastSpec
from app.forecasting.track_covariates import LEAD_IN, TrackCovariates, build_track_covariates


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
        base: Log-ratio from that day to each day ahead, by the market alone: what it did since, and
            what its weekly rhythm says it will do. (tracks, steps, horizon)
    """

    covariates: NDArray[np.float32]
    static: NDArray[np.float32]
    artist: NDArray[np.float32]
    log_last: Floats
    since_last: Floats
    base: Floats


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
    rows = _market_rows(history, market)
    cumulative = market.cumulative_movement
    track = build_track_covariates(
        history,
        cumulative_movement=cumulative[rows + 1],
        log_threshold=market.log_threshold[np.maximum(rows, 0)],
    )
    steps = rows[:, LEAD_IN:]
    static = scale_features(history.features) if spec.static_covariates else np.zeros((len(history), 0))
    since_last = _since_last(track, cumulative, steps)
    return Windows(
        covariates=_stack_channels(track, market, steps, spec),
        static=static.astype(np.float32),
        artist=np.log1p(history.companions[:, LEAD_IN:, : len(spec.artist_covariates)]),
        log_last=track.log_last,
        since_last=since_last,
        base=since_last[:, :, None] + market.rhythm[steps][:, :, : spec.horizon],
    )


def _market_rows(history: History, market: MarketCovariates) -> Ints:
    """The row of ``market`` for each day of each grid; -1 for days before its first. (tracks, days)"""
    n_days = history.streams.shape[1]
    if n_days <= LEAD_IN:
        raise ValueError(f"a grid of {n_days} days holds no step after its {LEAD_IN} days of lead-in")
    last = day_numbers(history.cutoffs) - int(market.first_day.astype(np.int64))
    if len(last) and (last.min() < 0 or last.max() >= len(market)):
        raise ValueError("a cutoff lies outside the days of the market")
    rows: Ints = np.maximum(last[:, None] - np.arange(n_days)[::-1], -1)
    return rows


def _stack_channels(
    track: TrackCovariates, market: MarketCovariates, steps: Ints, spec: ForecastSpec
) -> NDArray[np.float32]:
    own, shared, columns = _lay_out(spec.covariates, market.names)
    result = np.empty((*steps.shape, len(spec.covariates)), dtype=np.float32)
    result[:, :, shared] = market.table[
        steps[:, :, None], columns
    ]  # row -1, the zeros: before the first chart
    for channel in own:
        result[:, :, channel] = track.channels[spec.covariates[channel]]
    return result


@cache
def _lay_out(covariates: tuple[str, ...], names: tuple[str, ...]) -> tuple[tuple[int, ...], Ints, Ints]:
    """The channels that are the track's own, those that the market's table has, and its columns of them."""
    shared = [i for i, name in enumerate(covariates) if name in names]
    columns = [names.index(covariates[i]) for i in shared]
    own = sorted(set(range(len(covariates))).difference(shared))
    return tuple(own), np.array(shared), np.array(columns)


def _since_last(track: TrackCovariates, cumulative: Floats, steps: Ints) -> Floats:
    since: Floats = cumulative[steps + 1] - cumulative[np.maximum(steps + 1 - track.gap, 0)]
    return since
