"""Intervals around the chart_weekday baseline, from how it missed in a region's own last days."""

from collections.abc import Mapping
from statistics import median

import numpy as np

from app.forecasting.history import Floats
from app.forecasting.market import WEEKS, first_week
from app.forecasting.medians import median_of_known

SCORED_DAYS = 60  # target days looked back on

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
    8: {0.025: -0.327, 0.1: -0.143, 0.25: -0.063, 0.75: 0.058, 0.9: 0.132, 0.975: 0.310},
    9: {0.025: -0.353, 0.1: -0.158, 0.25: -0.070, 0.75: 0.065, 0.9: 0.146, 0.975: 0.331},
    10: {0.025: -0.375, 0.1: -0.169, 0.25: -0.076, 0.75: 0.069, 0.9: 0.154, 0.975: 0.349},
    11: {0.025: -0.398, 0.1: -0.176, 0.25: -0.079, 0.75: 0.072, 0.9: 0.159, 0.975: 0.359},
    12: {0.025: -0.419, 0.1: -0.183, 0.25: -0.081, 0.75: 0.073, 0.9: 0.163, 0.975: 0.371},
    13: {0.025: -0.437, 0.1: -0.188, 0.25: -0.082, 0.75: 0.072, 0.9: 0.162, 0.975: 0.386},
    14: {0.025: -0.456, 0.1: -0.193, 0.25: -0.081, 0.75: 0.068, 0.9: 0.158, 0.975: 0.401},
    15: {0.025: -0.478, 0.1: -0.205, 0.25: -0.087, 0.75: 0.077, 0.9: 0.174, 0.975: 0.411},
    16: {0.025: -0.498, 0.1: -0.218, 0.25: -0.093, 0.75: 0.083, 0.9: 0.186, 0.975: 0.427},
    17: {0.025: -0.514, 0.1: -0.227, 0.25: -0.098, 0.75: 0.087, 0.9: 0.193, 0.975: 0.441},
    18: {0.025: -0.530, 0.1: -0.234, 0.25: -0.101, 0.75: 0.089, 0.9: 0.198, 0.975: 0.452},
    19: {0.025: -0.545, 0.1: -0.240, 0.25: -0.104, 0.75: 0.091, 0.9: 0.201, 0.975: 0.461},
    20: {0.025: -0.557, 0.1: -0.246, 0.25: -0.105, 0.75: 0.090, 0.9: 0.201, 0.975: 0.470},
    21: {0.025: -0.571, 0.1: -0.253, 0.25: -0.107, 0.75: 0.087, 0.9: 0.198, 0.975: 0.480},
    22: {0.025: -0.582, 0.1: -0.262, 0.25: -0.110, 0.75: 0.094, 0.9: 0.212, 0.975: 0.488},
    23: {0.025: -0.596, 0.1: -0.273, 0.25: -0.116, 0.75: 0.099, 0.9: 0.221, 0.975: 0.501},
    24: {0.025: -0.609, 0.1: -0.282, 0.25: -0.120, 0.75: 0.102, 0.9: 0.226, 0.975: 0.512},
    25: {0.025: -0.620, 0.1: -0.291, 0.25: -0.123, 0.75: 0.104, 0.9: 0.230, 0.975: 0.520},
    26: {0.025: -0.632, 0.1: -0.297, 0.25: -0.125, 0.75: 0.105, 0.9: 0.234, 0.975: 0.528},
    27: {0.025: -0.643, 0.1: -0.302, 0.25: -0.127, 0.75: 0.105, 0.9: 0.233, 0.975: 0.535},
    28: {0.025: -0.654, 0.1: -0.310, 0.25: -0.130, 0.75: 0.101, 0.9: 0.228, 0.975: 0.541},
}
QUANTILE_LEVELS = (0.025, 0.1, 0.25, 0.75, 0.9, 0.975)


def days_read(horizon: int) -> int:
    """The days of charts that intervals up to ``horizon`` days ahead go by."""
    return SCORED_DAYS + horizon + 7 * (first_week(horizon) + WEEKS - 1)


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
    first = first_week(horizon)
    residuals = [steps[:, day - horizon] - _rhythm(ratios, day - horizon, first) for day in targets]
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


def _rhythm(ratios: Floats, column: int, first: int) -> float:
    past = [ratios[column - 7 * k] for k in range(first, first + WEEKS) if column - 7 * k >= 0]
    known = [ratio for ratio in past if np.isfinite(ratio)]
    return float(median(known)) if known else 0.0
