"""Intervals of the chart_weekday baseline, from how it missed in the region's own last days."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection

from app.forecasting.baseline_intervals import (
    QUANTILE_LEVELS,
    chart_weekday_residuals,
    days_read,
    residual_quantiles,
)
from app.forecasting.history import Floats
from app.repository.history import ObservedDay, read_region_days
from app.repository.regions import RegionState

LEVELS = (50, 80, 95)

IntervalFactors = list[dict[int, tuple[float, float]]]


def read_interval_factors(
    connection: Connection, region: RegionState, *, as_of: dt.date, horizon: int
) -> IntervalFactors:
    """For each day ahead and level, what to multiply a baseline with to get its interval."""
    n_days = days_read(horizon)
    first_day = as_of - dt.timedelta(days=n_days - 1)
    streams = _to_grid(read_region_days(connection, region.code, first_day, as_of), first_day, n_days)
    factors: IntervalFactors = []
    for step in range(1, horizon + 1):
        residuals = chart_weekday_residuals(streams, step)
        quantiles = np.exp(residual_quantiles(residuals, step, QUANTILE_LEVELS))
        lower, upper = np.minimum(quantiles, 1), np.maximum(quantiles, 1)  # they hold the point
        factors.append({level: (lower[2 - i], upper[3 + i]) for i, level in enumerate(LEVELS)})
    return factors


def _to_grid(rows: Sequence[ObservedDay], first_day: dt.date, n_days: int) -> Floats:
    """(tracks, days), NaN where a track did not chart."""
    index = {track_id: i for i, track_id in enumerate(sorted({row.track_id for row in rows}))}
    grid = np.full((len(index), n_days), np.nan)
    for row in rows:
        grid[index[row.track_id], (row.date - first_day).days] = row.streams
    return grid
