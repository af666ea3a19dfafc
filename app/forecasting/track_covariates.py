"""The channels of a track's own series, for every step of its grid at once.

A forecast of one track is as many numpy calls as this makes, so channels that are scaled alike are made as
one block, and what depends on the shape of the grids alone is worked out once.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Floats, History, Ints, day_numbers
from app.forecasting.market import WEEKS
from app.forecasting.scaling import LARGEST_LOG_RATIO, RATIO_SCALE

Bools = NDArray[np.bool_]

LEAD_IN = 28  # how many days back the channels of one step may read

# The channels in the order in which they are made.
NAMES = (
    "log_ratio",
    "deviation",
    "own_weekday_last",
    "own_weekday_median",
    "level",
    "position",
    "days_unobserved",
    "observed_days",
    "age",
    "release_age",
    "observed",
    "ratio_known",
    "release_known",
    "own_weekday_count",
)
_BOUNDED, _DAYS = slice(0, 6), slice(6, 10)
_OBSERVED, _RATIO_KNOWN, _RELEASE_KNOWN, _WEEKDAY_COUNT = range(10, 14)

# Of the first six: bounds, and what they are multiplied with. A level below the chart's is a bad row.
_MOST = np.array([LARGEST_LOG_RATIO] * 4 + [np.inf] * 2)[:, None, None]
_LEAST = np.array([-LARGEST_LOG_RATIO] * 4 + [0.0] * 2)[:, None, None]
_SCALES = np.array([RATIO_SCALE] * 4 + [1.0, 1 / 200])[:, None, None]
_LOG_DIVISORS = np.array([1.0, 5.0, 5.0, 8.0])[:, None, None]  # of the next four: logs of counts of days

# Of so many known values among ``WEEKS`` in rising order, the two that the median lies between.
_MIDDLE = np.array([[0, 0, 0, 1, 1], [0, 0, 1, 1, 2]])


@dataclass(frozen=True)
class TrackCovariates:
    """A track's own channels of each step, and the value that a forecast from there starts from.

    Attributes:
        channels: In the order of ``NAMES``. (channels, tracks, steps)
        log_last: Log streams of the last observed day up to the step; NaN where there is none within
            ``LEAD_IN`` days. (tracks, steps)
        since_last: The market's log movement since that day, or over ``LEAD_IN`` days. (tracks, steps)
    """

    channels: NDArray[np.float32]
    log_last: Floats
    since_last: Floats


@dataclass(frozen=True)
class _Shape:
    """Indices that depend on how many grids there are, and how long, alone.

    Attributes:
        days: Numbers of the days, from 1. (days,)
        before_grids: The index before each grid if all lie one behind the other. (tracks, 1)
        weekly: The moves 1 to 4 weeks before the one after each step. (``WEEKS``, steps)
        first_weeks: Where each step's moves begin if those of all lie one behind the other. (tracks, steps)
        middle: ``_MIDDLE`` likewise, from there on. (2, ``WEEKS`` + 1)
        before_cutoff: Days from the cutoff to each step. (steps,)
    """

    days: Ints
    before_grids: Ints
    weekly: Ints
    first_weeks: Ints
    middle: Ints
    before_cutoff: Ints


@lru_cache(maxsize=16)
def _shape(n_tracks: int, n_days: int) -> _Shape:
    rows, steps = np.arange(n_tracks)[:, None], np.arange(n_days - LEAD_IN)
    return _Shape(
        days=np.arange(1, n_days + 1),
        before_grids=rows * n_days - 1,
        weekly=LEAD_IN + steps - 7 * np.arange(1, WEEKS + 1)[:, None],
        first_weeks=rows * (WEEKS * len(steps)) + steps,
        middle=len(steps) * _MIDDLE,
        before_cutoff=steps - steps[-1],
    )


def build_track_covariates(
    history: History, *, cumulative_movement: Floats, log_threshold: Floats
) -> TrackCovariates:
    """Make the channels of every step after the first ``LEAD_IN`` days of the grids.

    Args:
        history: Grids of ``LEAD_IN`` days and then the steps.
        cumulative_movement: The market's log movement, summed from any one day on. (tracks or 1, days)
        log_threshold: Log of the chart's smallest streams. (tracks or 1, days)
    """
    shape = _shape(*history.streams.shape)
    observed = np.isfinite(history.streams)
    latest = np.maximum.accumulate(observed * shape.days, axis=1)[:, LEAD_IN - 1 :]  # 0: none yet
    gap = shape.days[LEAD_IN - 1 :] - latest
    seen, seen_before = observed[:, LEAD_IN:], gap[:, :-1] < LEAD_IN
    near, gap = seen | seen_before, np.minimum(gap[:, 1:], LEAD_IN)
    series = _stack_series(history, cumulative_movement, log_threshold)
    # As of the last observed day up to each step, and before them up to the day before the first one.
    carried = series.reshape(len(series), -1).take(latest + shape.before_grids, axis=1)
    channels = np.empty((len(NAMES), *gap.shape), dtype=np.float32)
    channels[_OBSERVED] = seen
    channels[_RATIO_KNOWN] = moved = seen & seen_before
    channels[_BOUNDED], channels[_WEEKDAY_COUNT] = _bounded_channels(series, carried, moved, near, shape)
    channels[_DAYS], channels[_RELEASE_KNOWN] = _day_channels(history, observed, gap, shape)
    return TrackCovariates(
        channels=channels,
        log_last=np.where(near, carried[0, :, 1:], np.nan),
        since_last=cumulative_movement[:, LEAD_IN:] - _carry(cumulative_movement, gap, shape),
    )


def _stack_series(history: History, cumulative_movement: Floats, log_threshold: Floats) -> Floats:
    """Log streams, then beyond the market's movement, beyond the threshold; positions. (4, tracks, days)"""
    series = np.empty((4, *history.streams.shape))
    logs = np.log(np.maximum(history.streams, 1.0), out=series[0])
    np.subtract(logs, cumulative_movement, out=series[1])
    np.subtract(logs, log_threshold, out=series[2])
    series[3] = history.positions
    return series


def _bounded_channels(
    series: Floats, carried: Floats, moved: Bools, near: Bools, shape: _Shape
) -> tuple[Floats, Floats]:
    """The first six channels (6, tracks, steps), and the share of weeks with a known move (tracks, steps)."""
    values, known = np.empty((6, *near.shape)), np.empty((6, *near.shape), dtype=bool)
    np.subtract(series[:2, :, LEAD_IN:], carried[:2, :, :-1], out=values[:2])
    known[:2] = moved
    count = _fill_own_weekday_moves(series[1], shape, values[2:4], known[2:4])
    values[4:] = carried[2:, :, 1:]
    known[4:] = near
    bounded = np.minimum(np.maximum(np.where(known, values, 0.0), _LEAST), _MOST)
    bounded *= _SCALES
    return bounded, count / WEEKS


def _fill_own_weekday_moves(beyond: Floats, shape: _Shape, values: Floats, known: Bools) -> Ints:
    """The track's own past moves, beyond the market's, from this weekday to the next.

    The move k weeks back goes from day d - 7k to the day after it.

    Args:
        beyond: Log streams beyond the market's movement. (tracks, days)
        shape: Of the grids.
        values: Filled with last week's and with the median of the last ``WEEKS``. (2, tracks, steps)
        known: Filled with whether there is one. (2, tracks, steps)

    Returns:
        How many of them are known. (tracks, steps)
    """
    moves = beyond[:, 1:] - beyond[:, :-1]  # the move *into the next day*, so never used unshifted
    weekly = moves.take(shape.weekly, axis=1)  # (tracks, WEEKS, steps)
    are_known = np.isfinite(weekly)
    count: Ints = np.add.reduce(are_known, axis=1, dtype=np.int64)
    values[0], known[0], known[1] = weekly[:, 0], are_known[:, 0], count
    weekly.sort(axis=1)  # what is not known comes last
    middle = weekly.reshape(-1).take(shape.middle.take(count, axis=1) + shape.first_weeks)
    np.multiply(middle[0] + middle[1], 0.5, out=values[1])
    return count


def _day_channels(history: History, observed: Bools, gap: Ints, shape: _Shape) -> tuple[Floats, Bools]:
    """Logs of days since the last observed, days observed, since the first, and since the release.

    Returns:
        (4, tracks, steps), and whether the release is known (tracks, 1).
    """
    released = ~np.isnat(history.release_days)[:, None]
    today = day_numbers(history.cutoffs)[:, None] + shape.before_cutoff
    days = np.empty((4, *gap.shape), dtype=np.int64)
    days[0] = gap
    count = np.add.accumulate(observed, axis=1, dtype=np.int64)[:, LEAD_IN:]
    np.add(count, history.observed_before[:, None], out=days[1])
    np.subtract(today, day_numbers(history.first_days)[:, None], out=days[2])
    np.subtract(today, day_numbers(history.release_days)[:, None], out=days[3])
    days[3] *= released
    logs = np.log1p(np.maximum(days, 0, out=days))
    logs /= _LOG_DIVISORS
    return logs, released


def _carry(cumulative_movement: Floats, gap: Ints, shape: _Shape) -> Floats:
    """The cumulative movement on the day ``gap`` days before each step. (tracks, steps)"""
    then = shape.days[LEAD_IN:] - gap
    offsets = shape.before_grids if len(cumulative_movement) > 1 else -1
    return cumulative_movement.reshape(-1).take(then + offsets)
