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
        channels: name -> (tracks, steps)
        log_last: Log streams of the last observed day up to the step; NaN where there is none within
            ``LEAD_IN`` days. (tracks, steps)
        gap: Days from that day to the step's. (tracks, steps)
    """

    channels: dict[str, Floats]
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
    last = _last_observed(observed)
    before = _last_observed(observed, before=True)
    log_ratio = logs - _take(logs, before)
    deviation = log_ratio - (cumulative_movement - _take(cumulative_movement, before))
    ratio_known = np.isfinite(log_ratio)
    gap = np.where(last >= 0, np.arange(logs.shape[1]) - last, LEAD_IN)
    channels = {
        "observed": observed,
        "log_ratio": scale_log_ratio(_known_or_zero(log_ratio)),
        "ratio_known": ratio_known,
        "deviation": scale_log_ratio(_known_or_zero(deviation)),
        "level": np.maximum(_known_or_zero(_take(logs - log_threshold, last)), 0.0),  # below: a bad row
        "days_unobserved": np.log1p(gap),
        "position": _known_or_zero(_take(history.positions, last)) / 200,
        **_age_channels(history, observed),
        **_own_weekday_channels(logs - cumulative_movement),
    }
    return TrackCovariates(
        channels={name: values[:, LEAD_IN:].astype(float) for name, values in channels.items()},
        log_last=_take(logs, last)[:, LEAD_IN:],
        gap=gap[:, LEAD_IN:],
    )


def _last_observed(observed: Bools, *, before: bool = False) -> Ints:
    """The index of the last observed day up to (or only before) each day; -1 for none in ``LEAD_IN`` days."""
    index = np.arange(observed.shape[1])
    last = np.maximum.accumulate(np.where(observed, index, -1), axis=1)
    if before:
        last = np.concatenate([np.full((len(last), 1), -1), last[:, :-1]], axis=1)
    return np.where(index - last <= LEAD_IN, last, -1)


def _take(values: Floats, index: Ints) -> Floats:
    """``values`` at each row's ``index``, NaN where that is -1."""
    return np.where(index >= 0, np.take_along_axis(values, np.maximum(index, 0), axis=1), np.nan)


def _age_channels(history: History, observed: Bools) -> dict[str, Floats]:
    n_days = observed.shape[1]
    days = day_numbers(history.cutoffs)[:, None] - np.arange(n_days)[::-1]
    age = days - day_numbers(history.first_days)[:, None]
    count = history.observed_before[:, None] + observed.cumsum(axis=1)
    released = ~np.isnat(history.release_days)
    since_release = np.where(released, day_numbers(history.release_days), 0)[:, None]
    release_age = np.log1p(np.maximum(days - since_release, 0)) / 8
    return {
        "age": np.log1p(np.maximum(age, 0)) / 5,
        "observed_days": np.log1p(count) / 5,
        "release_age": np.where(released[:, None], release_age, 0.0),
        "release_known": np.broadcast_to(released[:, None], observed.shape),
    }


def _own_weekday_channels(logs: Floats) -> dict[str, Floats]:
    """The track's own past moves, beyond the market's, from this weekday to the next.

    The move k weeks back goes from day d - 7k to the day after it.
    """
    moves = np.full_like(logs, np.nan)
    moves[:, :-1] = logs[:, 1:] - logs[:, :-1]  # the move *into the next day*, so never used unshifted
    weekly = np.stack([_shift(moves, 7 * k) for k in range(1, WEEKS + 1)])
    known = np.isfinite(weekly)
    count = known.sum(axis=0)
    ordered = np.sort(np.where(known, weekly, np.inf), axis=0)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, WEEKS - 1)[None], axis=0)[0]
    with np.errstate(invalid="ignore"):
        median = np.where(count > 0, (low + high) / 2, 0.0)
    return {
        "own_weekday_last": scale_log_ratio(_known_or_zero(weekly[0])),
        "own_weekday_median": scale_log_ratio(_known_or_zero(median)),
        "own_weekday_count": count / WEEKS,
    }


def _shift(values: Floats, days: int) -> Floats:
    shifted = np.full_like(values, np.nan)
    shifted[:, days:] = values[:, :-days]
    return shifted


def _known_or_zero(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, 0.0)
