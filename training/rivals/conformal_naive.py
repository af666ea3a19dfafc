"""Intervals around the naive forecast, from how it missed in the region's last days.

Source: Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World" (2005), on a rolling window.
"""

import numpy as np
import pandas as pd

from app.forecasting.baseline_intervals import QUANTILE_LEVELS, SCORED_DAYS, residual_quantiles
from app.forecasting.history import Floats
from training.panel import Panel


def add_conformal_naive(cells: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Add quantiles of the naive forecast (``naive@level``) to the cells.

    Those of a cutoff and a horizon are the quantiles of log(actual / naive) over the targets of that horizon
    on the last ``SCORED_DAYS`` days up to the cutoff, all tracks together.
    """
    keys, inverse = np.unique(cells[["cutoff", "horizon"]].to_numpy(), axis=0, return_inverse=True)
    with np.errstate(divide="ignore"):
        logs = np.log(panel.streams)
    misses = np.array([_miss_quantiles(logs, int(cutoff), int(horizon)) for cutoff, horizon in keys])
    quantiles = cells["naive"].to_numpy()[:, None] * np.exp(misses[inverse.ravel()])
    return cells.assign(**{f"naive@{level}": quantiles[:, i] for i, level in enumerate(QUANTILE_LEVELS)})


def _miss_quantiles(logs: Floats, cutoff: int, horizon: int) -> Floats:
    first = max(cutoff + 1 - SCORED_DAYS, horizon)
    with np.errstate(invalid="ignore"):
        misses = logs[:, first : cutoff + 1] - logs[:, first - horizon : cutoff + 1 - horizon]
    return residual_quantiles(misses[np.isfinite(misses)], horizon, QUANTILE_LEVELS)
