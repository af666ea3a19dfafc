"""Intervals that hold: a model's own quantiles, stretched by how the last 60 scored days fell into them.

Everything is in log streams. A forecast with median m and a bound b scores (y - m) / (b - m) for what came,
y: over 1 it fell outside. The calibrated bound is m + c (b - m), with c the score at the rank that the
bound's level wants among n past ones, ceil((n + 1) p).

Source: Romano, Patterson and Candès, "Conformalized Quantile Regression" (2019), with the score as a ratio
instead of a difference; the rank rule is that of Vovk, Gammerman and Shafer, "Algorithmic Learning in a
Random World" (2005).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from app.forecasting.baseline_intervals import SCORED_DAYS
from app.forecasting.forecaster import LARGEST_LOG_STREAMS, Forecast
from app.forecasting.history import Floats, Ints
from app.forecasting.residuals import Residuals

GROUP_STARTS = (1, 2, 7, 28)  # observed days with which each group of tracks begins
_LATER_STARTS = np.array(GROUP_STARTS[1:])
SMALLEST_GAP = 1e-3  # between median and bound, in log streams: a closer bound would score without limit
SMALLEST_LOG_STREAMS = -100.0
SMALLEST_STREAMS = exp(SMALLEST_LOG_STREAMS)


@dataclass(frozen=True)
class Scores:
    """How past forecasts turned out, one row a forecast that has its actual.

    Attributes:
        horizons: Days ahead, from 1. (cells,)
        days: A number of the target day, not negative. (cells,)
        groups: By observed days at the cutoff. (cells,)
        values: A score for each bound. (cells, bounds)
    """

    horizons: Ints
    days: Ints
    groups: Ints
    values: Floats


def find_groups(observed_days: Ints) -> Ints:
    """The group of each track by its observed days."""
    groups: Ints = _LATER_STARTS.searchsorted(observed_days, side="right")
    return groups


def take_logs(quantiles: Floats) -> Floats:
    """Log streams, finite whatever a model says."""
    logs: Floats = np.log(np.maximum(quantiles, SMALLEST_STREAMS))
    return logs


def score_quantiles(log_quantiles: Floats, log_actual: Floats, levels: Sequence[float]) -> Floats:
    """Score actuals against each bound.

    Args:
        log_quantiles: (cells, levels)
        log_actual: (cells,)
        levels: The quantile levels, rising, 0.5 among them.

    Returns:
        (cells, levels but the median)
    """
    middle = list(levels).index(0.5)
    gaps = _gaps(log_quantiles, middle)
    scores: Floats = (log_actual - log_quantiles[:, middle])[:, None] / gaps
    return scores


def fit_factors(
    scores: Scores, levels: Sequence[float], horizon: int, residuals: Residuals | None = None
) -> Floats:
    """What to stretch each bound by.

    A group too small for a bound's rank takes the rank among all groups; where they are too few as well
    the bound stays as the model gave it. Days that lack to ``SCORED_DAYS`` are filled by ``residuals``;
    without any they count as days on which the model's own bounds held.

    Args:
        scores: Of the last ``SCORED_DAYS`` target days, or of as many as there are.
        levels: The quantile levels, rising, 0.5 among them.
        horizon: Days ahead to fit.
        residuals: Of the model on days that it never saw, elsewhere or earlier.

    Returns:
        (groups, horizon, bounds)
    """
    tails = np.array([max(level, 1 - level) for level in levels if level != 0.5])
    factors = np.ones((len(GROUP_STARTS), horizon, len(tails)))
    for step in range(horizon):
        of_step = scores.horizons == step + 1
        values, groups = scores.values[of_step], scores.groups[of_step]
        scored = np.count_nonzero(np.bincount(scores.days[of_step]))  # np.unique would import masked arrays
        lacking = max(0, SCORED_DAYS - int(scored))
        fill = [_fill(residuals, step, group, lacking) for group in range(len(GROUP_STARTS))]
        pooled = _rank(values, fill, tails)
        share = 1 - lacking / SCORED_DAYS if residuals is None else 1.0
        for group, own in enumerate(fill):
            found = _rank(values[groups == group], [own], tails)
            found = np.where(np.isfinite(found), found, pooled)
            factors[group, step] = np.where(np.isfinite(found), share * found + 1 - share, 1.0)
    fitted: Floats = np.maximum(factors, 0.0)
    return fitted


def calibrate(forecast: Forecast, observed_days: Ints, factors: Floats) -> Forecast:
    """Stretch a forecast's bounds. They nest, hold the median, are finite and not negative.

    Args:
        forecast: Of some tracks.
        observed_days: At the cutoff. (tracks,)
        factors: Of ``fit_factors``, for the forecast's days ahead or more.
    """
    logs = take_logs(forecast.quantiles)
    chosen = factors[find_groups(observed_days), : logs.shape[1]]
    stretched = stretch(logs, chosen, forecast.quantile_levels)
    return Forecast(np.exp(stretched), forecast.quantile_levels)


def stretch(log_quantiles: Floats, factors: Floats, levels: Sequence[float]) -> Floats:
    """Move each bound to ``factors`` times its distance from the median, and make the bounds nest.

    Args:
        log_quantiles: (…, levels)
        factors: (…, bounds)
        levels: The quantile levels, rising, 0.5 among them.
    """
    middle = list(levels).index(0.5)
    median = log_quantiles[..., middle : middle + 1]
    result: Floats = log_quantiles - median
    below, above = result[..., :middle], result[..., middle + 1 :]
    np.minimum(below, -SMALLEST_GAP, out=below)
    np.maximum(above, SMALLEST_GAP, out=above)
    below *= factors[..., :middle]
    above *= factors[..., middle:]
    result += median
    # From the median outwards, so that an outer bound gives way to an inner one.
    downwards, upwards = result[..., middle::-1], result[..., middle:]
    np.minimum.accumulate(downwards, axis=-1, out=downwards)
    np.maximum.accumulate(upwards, axis=-1, out=upwards)
    np.maximum(result, SMALLEST_LOG_STREAMS, out=result)
    return np.minimum(result, LARGEST_LOG_STREAMS, out=result)


def _gaps(log_quantiles: Floats, middle: int) -> Floats:
    """Bound less median for every level but the median, signed, none too small. (…, bounds)"""
    bounds = np.concatenate([log_quantiles[..., :middle], log_quantiles[..., middle + 1 :]], axis=-1)
    gaps = bounds - log_quantiles[..., middle : middle + 1]
    gaps[..., :middle] = np.minimum(gaps[..., :middle], -SMALLEST_GAP)
    gaps[..., middle:] = np.maximum(gaps[..., middle:], SMALLEST_GAP)
    return gaps


def _fill(residuals: Residuals | None, step: int, group: int, days: int) -> tuple[Floats, float]:
    """The sketch (points, bounds) that stands in for ``days`` lacking days of a group, and its weight."""
    if residuals is None or days == 0 or step >= residuals.points.shape[1]:
        return np.empty((0, 0)), 0.0
    return residuals.points[group, step], days * float(residuals.per_day[group, step])


def _rank(values: Floats, fills: Sequence[tuple[Floats, float]], tails: Floats) -> Floats:
    """The score at rank ceil((n + 1) p) of each bound; NaN where the rank is over n. (bounds,)"""
    fills = [(points, weight) for points, weight in fills if weight > 0]
    if not fills:
        return _rank_evenly(values, tails)
    columns = np.concatenate([values, *(points for points, _ in fills)])
    shares = [np.full(len(points), weight / len(points)) for points, weight in fills]
    weights = np.concatenate([np.ones(len(values)), *shares])
    total = weights.sum()
    wanted = np.ceil(np.round((total + 1) * tails, 9))
    return np.array([_at_rank(columns[:, i], weights, rank) for i, rank in enumerate(wanted)])


def _rank_evenly(values: Floats, tails: Floats) -> Floats:
    """The same where every score counts as one: picking a rank is ten times as fast as sorting."""
    ranks = np.ceil(np.round((len(values) + 1) * tails, 9)).astype(int)
    found = np.full(len(tails), np.nan)
    for i, rank in enumerate(ranks):
        if rank <= len(values):
            found[i] = np.partition(values[:, i], rank - 1)[rank - 1]
    return found


def _at_rank(column: Floats, weights: Floats, rank: float) -> float:
    order = np.argsort(column, kind="stable")
    reached = np.round(weights[order].cumsum(), 6)
    place = int(np.searchsorted(reached, rank))
    return float(column[order[place]]) if place < len(column) else np.nan
