"""How sure a ratio of two errors is, with days that resemble their neighbours."""

from typing import NamedTuple

import numpy as np
import pandas as pd

BLOCK = 7  # days; misses are shared by all tracks of a day and follow the week
RESAMPLES = 2000
SEED = 1


class RatioInterval(NamedTuple):
    """A ratio of two methods' MAE on the same cells, with its 90% and 95% intervals."""

    ratio: float
    low_90: float
    high_90: float
    low_95: float
    high_95: float


def bootstrap_ratio(cells: pd.DataFrame, method: str, other: str) -> RatioInterval:
    """The ratio of two methods' MAE, and intervals from resampled blocks of consecutive cutoffs.

    Whole days are drawn, ``BLOCK`` in a row (the last is followed by the first), so both methods are always
    scored on the same cells and what tracks share on a day, or days of a week, stays together.

    Source: Politis and Romano, "A circular block-resampling procedure for stationary data" (1992); percentile
    intervals.

    Args:
        cells: Columns date, actual, and a forecast a method; those without a target are left out.
        method: Above the line.
        other: Below it.
    """
    known = cells[cells["actual"].notna()]
    errors = known[[method, other]].sub(known["actual"], axis=0).abs()
    by_day = errors.groupby(known["date"]).sum().to_numpy()  # (days, 2), in order
    totals = by_day[_draw_days(len(by_day))].sum(axis=1)  # (resamples, 2)
    ratios = totals[:, 0] / totals[:, 1]
    bounds = np.quantile(ratios, [0.05, 0.95, 0.025, 0.975])
    return RatioInterval(float(by_day[:, 0].sum() / by_day[:, 1].sum()), *bounds.tolist())


def _draw_days(n_days: int) -> np.ndarray:
    """Indices of days, blocks of consecutive ones, as many as there are. (resamples, days)"""
    random = np.random.Generator(np.random.PCG64(SEED))
    starts = random.integers(0, n_days, (RESAMPLES, -(-n_days // BLOCK)))
    days = (starts[:, :, None] + np.arange(BLOCK)) % n_days
    return days.reshape(RESAMPLES, -1)[:, :n_days]
