"""Forecasts that need no training. A model that does not beat them is not worth its keep."""

import numpy as np

from app.forecasting.baseline_intervals import QUANTILE_LEVELS, chart_weekday_residuals
from app.forecasting.history import Floats, Ints
from app.forecasting.market import WEEKS, first_week
from training.panel import Panel


def forecast_naive(panel: Panel, tracks: Ints, cutoffs: Ints) -> Floats:
    """The value of the cutoff's day. (cells,)"""
    return panel.streams[tracks, cutoffs]


def forecast_last_week(panel: Panel, tracks: Ints, cutoffs: Ints, horizon: int) -> Floats:
    """The value of the target's weekday in the week up to the cutoff; the naive one where the track
    did not chart on it. (cells,)"""
    day = cutoffs + horizon - 7 * first_week(horizon)
    value = np.where(day >= 0, panel.streams[tracks, np.maximum(day, 0)], np.nan)
    return np.where(np.isfinite(value), value, forecast_naive(panel, tracks, cutoffs))


def forecast_chart_weekday(panel: Panel, tracks: Ints, cutoffs: Ints, horizon: int) -> Floats:
    """The cutoff's value times the chart's median ratio over the same step in four weeks. (cells,)

    As ``app.forecasting.market.chart_weekday``, for many cells at once.
    """
    days, of_cutoff = np.unique(cutoffs, return_inverse=True)
    steps = np.array([chart_weekday_step(panel, int(day), horizon) for day in days])
    forecasts: Floats = forecast_naive(panel, tracks, cutoffs) * steps[of_cutoff]
    return forecasts


def chart_weekday_step(panel: Panel, cutoff: int, horizon: int) -> float:
    """The factor by which ``chart_weekday`` expects the chart to move; 1 where no week has both days."""
    weeks = range(first_week(horizon), first_week(horizon) + WEEKS)
    ratios = [_chart_ratio(panel.streams, cutoff + horizon - 7 * k, cutoff - 7 * k) for k in weeks]
    known = [ratio for ratio in ratios if np.isfinite(ratio)]
    return float(np.median(known)) if known else 1.0


def _chart_ratio(streams: Floats, later: int, earlier: int) -> float:
    if earlier < 0:
        return float("nan")
    both = (streams[:, later] > 0) & (streams[:, earlier] > 0)
    return float(np.median(streams[both, later] / streams[both, earlier])) if both.any() else float("nan")


def chart_weekday_quantiles(panel: Panel, horizon: int) -> dict[float, float]:
    """Quantiles of log(actual / chart_weekday), over all the days of the panel."""
    residuals = chart_weekday_residuals(panel.streams, horizon, scored_days=len(panel.days))
    return {level: round(float(np.quantile(residuals, level)), 3) for level in QUANTILE_LEVELS}
