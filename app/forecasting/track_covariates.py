"""The channels of a track's own series, for every step of its grid at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Floats, History, Ints, day_numbers
from app.forecasting.market import WEEKS
from app.forecasting.scaling import scale_log_ratio

Bools = NDArray[np.bool_]

LEAD_IN = 28  # how many days back the channels of one step may read


@dataclass(frozen=True)
class TrackCovariates:
    """A track's own channels of each step, and the value that a forecast from there starts from.

    Attributes:
        channels: name -> numbers or truth values. (tracks, steps)
        log_last: Log streams of the last observed day up to the step; NaN where there is none within
            ``LEAD_IN`` days. (tracks, steps)
        gap: Days from that day to the step's. (tracks, steps)
    """

    channels: dict[str, Floats | Bools]
    log_last: Floats
    gap: Ints


def build_track_covariates(
    history: History, *, cumulative_movement: Floats, log_threshold: Floats
) -> TrackCovariates:
    """Make the channels of every step after the first ``LEAD_IN`` days of the grids.

    Args:
        history: Grids of ``LEAD_IN`` days and then the steps.
        cumulative_movement: The market's log movement, summed from any one day on. (tracks, days)
        log_threshold: Log of the chart's smallest streams. (tracks, days)
    """
    with np.errstate(invalid="ignore"):
        logs = np.log(np.maximum(history.streams, 1.0))
    observed = np.isfinite(logs)
    steps = np.arange(LEAD_IN, logs.shape[1])
    latest = np.maximum.accumulate(np.where(observed, np.arange(logs.shape[1]), -1), axis=1)
    last, before = _near(latest[:, LEAD_IN:], steps), _near(latest[:, LEAD_IN - 1 : -1], steps)
    level, position, log_last = _take(np.stack([logs - log_threshold, history.positions, logs]), last)
    log_before, movement_before = _take(np.stack([logs, cumulative_movement]), before)
    log_ratio = logs[:, LEAD_IN:] - log_before
    deviation = log_ratio - (cumulative_movement[:, LEAD_IN:] - movement_before)
    weekly, weekday_median, weekday_count = _own_weekday_moves(logs - cumulative_movement)
    ratios = np.stack([log_ratio, deviation, weekly, weekday_median])
    scaled = scale_log_ratio(_known_or_zero(ratios))
    gap = np.where(last >= 0, steps - last, LEAD_IN)
    channels = {
        "observed": observed[:, LEAD_IN:],
        "log_ratio": scaled[0],
        "ratio_known": np.isfinite(log_ratio),
        "deviation": scaled[1],
        "level": np.maximum(_known_or_zero(level), 0.0),  # below: a bad row
        "days_unobserved": np.log1p(gap),
        "position": _known_or_zero(position) / 200,
        **_age_channels(history, observed),
        "own_weekday_last": scaled[2],
        "own_weekday_median": scaled[3],
        "own_weekday_count": weekday_count / WEEKS,
    }
    return TrackCovariates(channels=channels, log_last=log_last, gap=gap)


def _near(latest: Ints, steps: Ints) -> Ints:
    """The index of a day observed before each step, -1 where it lies over ``LEAD_IN`` days back."""
    return np.where(steps - latest <= LEAD_IN, latest, -1)


def _take(values: Floats, index: Ints) -> Floats:
    """Arrays at each row's ``index``, NaN where that is -1. (k, tracks, days) -> (k, tracks, steps)"""
    rows = np.arange(len(index))[:, None]
    return np.where(index >= 0, values[:, rows, index], np.nan)  # -1 takes the last one, and drops it


def _age_channels(history: History, observed: Bools) -> dict[str, Floats | Bools]:
    count = (history.observed_before[:, None] + observed.cumsum(axis=1))[:, LEAD_IN:]
    days = day_numbers(history.cutoffs)[:, None] - np.arange(count.shape[1])[::-1]
    age = days - day_numbers(history.first_days)[:, None]
    released = ~np.isnat(history.release_days)
    since_release = np.where(released, day_numbers(history.release_days), 0)[:, None]
    release_age = np.log1p(np.maximum(days - since_release, 0)) / 8
    return {
        "age": np.log1p(np.maximum(age, 0)) / 5,
        "observed_days": np.log1p(count) / 5,
        "release_age": np.where(released[:, None], release_age, 0.0),
        "release_known": np.broadcast_to(released[:, None], count.shape),
    }


def _own_weekday_moves(logs: Floats) -> tuple[Floats, Floats, Ints]:
    """The track's own past moves, beyond the market's, from this weekday to the next.

    The move k weeks back goes from day d - 7k to the day after it.

    Returns:
        Last week's, the median of the last ``WEEKS`` and how many of them are known; moves not finite
        where there is none. (tracks, steps) each
    """
    moves = logs[:, 1:] - logs[:, :-1]  # the move *into the next day*, so never used unshifted
    n_days = logs.shape[1]
    weekly = np.stack([moves[:, LEAD_IN - 7 * k : n_days - 7 * k] for k in range(1, WEEKS + 1)])
    known = np.isfinite(weekly)
    count = known.sum(axis=0)
    ordered = np.sort(np.where(known, weekly, np.inf), axis=0)
    low = np.choose(np.maximum(count - 1, 0) // 2, ordered)
    high = np.choose(np.minimum(count // 2, WEEKS - 1), ordered)
    return weekly[0], (low + high) / 2, count


def _known_or_zero(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, 0.0)
