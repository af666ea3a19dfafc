"""Intervals around the chart_weekday baseline, from how it missed in a region's own last days."""

from collections.abc import Mapping
from statistics import median

import numpy as np

from app.forecasting.history import Floats
from app.forecasting.market import WEEKS
from app.forecasting.medians import median_of_known

SCORED_DAYS = 60  # target days looked back on
DAYS_READ = SCORED_DAYS + 7 * WEEKS + 7  # days of charts that takes, for the longest horizon

# Before a region has a past of its own: quantiles of log(actual / chart_weekday) by horizon, over the
# Philippines' daily charts 2017 to 2020 (python -m training baseline-quantiles).
PRIOR: Mapping[int, Mapping[float, float]] = {
    1: {0.025: -0.136, 0.1: -0.066, 0.25: -0.029, 0.75: 0.029, 0.9: 0.066, 0.975: 0.145},
    2: {0.025: -0.189, 0.1: -0.092, 0.25: -0.041, 0.75: 0.040, 0.9: 0.091, 0.975: 0.195},
    3: {0.025: -0.219, 0.1: -0.107, 0.25: -0.049, 0.75: 0.047, 0.9: 0.105, 0.975: 0.224},
    4: {0.025: -0.241, 0.1: -0.116, 0.25: -0.053, 0.75: 0.051, 0.9: 0.114, 0.975: 0.246},
    5: {0.025: -0.260, 0.1: -0.123, 0.25: -0.055, 0.75: 0.053, 0.9: 0.120, 0.975: 0.265},
    6: {0.025: -0.275, 0.1: -0.125, 0.25: -0.056, 0.75: 0.052, 0.9: 0.118, 0.975: 0.279},
    7: {0.025: -0.298, 0.1: -0.123, 0.25: -0.053, 0.75: 0.046, 0.9: 0.111, 0.975: 0.285},
}
QUANTILE_LEVELS = (0.025, 0.1, 0.25, 0.75, 0.9, 0.975)


def chart_weekday_residuals(streams: Floats, horizon: int, scored_days: int = SCORED_DAYS) -> Floats:
    """Log of actual over chart_weekday, for the targets on the last ``scored_days`` days.

    Args:
        streams: Charts of consecutive days, NaN where a track did not chart. (tracks, days)
        horizon: Days between the forecast and its target.
        scored_days: Target days looked back on.

    Returns:
        One residual a track charting on both days, unordered. (cells,)
    """
    n_days = streams.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.log(streams[:, horizon:]) - np.log(streams[:, :-horizon])  # column i: to day i + horizon
    steps[~np.isfinite(steps)] = np.nan
    ratios = median_of_known(steps.T)
    targets = range(max(horizon, n_days - scored_days), n_days)
    residuals = [steps[:, day - horizon] - _rhythm(ratios, day - horizon) for day in targets]
    flat: Floats = np.concatenate([*residuals, np.empty(0)])
    return flat[np.isfinite(flat)]


def residual_quantiles(residuals: Floats, horizon: int, levels: tuple[float, ...]) -> Floats:
    """Quantiles of residuals by the finite-sample rank rule; the prior's where there are too few.

    Source: Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World" (2005): rank
    (n + 1) q, rounded outwards.
    """
    n, tail = len(residuals), min(levels)
    if np.floor((n + 1) * tail) < 1:
        return np.array([PRIOR[horizon][level] for level in levels])
    ordered = np.sort(residuals)
    ranks = [np.floor((n + 1) * q) if q < 0.5 else np.ceil((n + 1) * q) for q in levels]
    return np.array([ordered[int(rank) - 1] for rank in ranks])


def _rhythm(ratios: Floats, column: int) -> float:
    past = [ratios[column - 7 * k] for k in range(1, WEEKS + 1) if column - 7 * k >= 0]
    known = [ratio for ratio in past if np.isfinite(ratio)]
    return float(median(known)) if known else 0.0
