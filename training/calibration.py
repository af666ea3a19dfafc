"""Calibrated intervals in a backtest: rolled forward day by day, by the code that the service runs."""

import numpy as np
import pandas as pd

from app.forecasting.baseline_intervals import SCORED_DAYS
from app.forecasting.calibration import (
    GROUP_STARTS,
    Scores,
    find_groups,
    fit_factors,
    score_quantiles,
    stretch,
)
from app.forecasting.history import Floats
from app.forecasting.residuals import POINTS, Residuals, sketch
from app.forecasting.spec import ForecastSpec
from training.recursion import shift_column

WARM_UP = SCORED_DAYS + 7  # cutoffs before the first one scored, for its intervals to have a whole past


def calibrate_cells(
    cells: pd.DataFrame, name: str, spec: ForecastSpec, residuals: Residuals | None = None
) -> pd.DataFrame:
    """Replace a model's quantiles (``name@level``) by those that the service would answer with.

    At each cutoff they go by the cells whose target day is at or before it, of the last ``SCORED_DAYS``
    days with a chart. So hand in cells from ``WARM_UP`` days before the first cutoff that matters (none
    of a target that the weights learned from) and drop those afterwards; where there are fewer days,
    ``residuals`` fill in as they do in the service. Forecasts that are moved (``training.recursion``) are
    moved after that.
    """
    columns = [f"{name}@{level}" for level in spec.quantile_levels]
    return cells.assign(**dict(zip(columns, _calibrate(cells, name, spec, residuals).T, strict=True)))


def add_calibrated(cells: pd.DataFrame, name: str, spec: ForecastSpec, first: np.datetime64) -> pd.DataFrame:
    """The same as a method of its own beside the model: columns ``name calibrated@level``.

    The cells of cutoffs before ``first`` are there for the others to go by, and stay as they are.
    """
    columns = [f"{name} calibrated@{level}" for level in spec.quantile_levels]
    calibrated = pd.DataFrame(_calibrate(cells, name, spec, None, first), cells.index, columns)
    return pd.concat([cells, calibrated], axis=1)


def _calibrate(
    cells: pd.DataFrame,
    name: str,
    spec: ForecastSpec,
    residuals: Residuals | None,
    first: np.datetime64 | None = None,
) -> Floats:
    """Streams. (cells, levels)"""
    columns = [f"{name}@{level}" for level in spec.quantile_levels]
    logs = np.log(cells[columns].to_numpy(dtype=float))
    scores = score_cells(cells, logs, spec)
    groups, steps = find_groups(cells["observed_days"].to_numpy()), cells["horizon"].to_numpy() - 1
    cutoffs = cells["cutoff"].to_numpy()
    counts = np.ones(len(cells), dtype=bool) if first is None else (cells["date"] >= first).to_numpy()
    for cutoff in np.unique(cutoffs[counts]):
        factors = fit_factors(
            take_last_days(scores, int(cutoff)), spec.quantile_levels, spec.horizon, residuals
        )
        rows = np.flatnonzero(cutoffs == cutoff)
        logs[rows] = stretch(logs[rows], factors[groups[rows], steps[rows]], spec.quantile_levels)
    if shift_column(name) in cells:
        logs += cells[shift_column(name)].to_numpy()[:, None]
    calibrated: Floats = np.exp(logs)
    return calibrated


def score_cells(cells: pd.DataFrame, logs: Floats, spec: ForecastSpec) -> Scores:
    """The scores of cells whose target is known, by target day.

    Args:
        cells: Of a region.
        logs: The model's raw quantiles, in log streams. (cells, levels)
        spec: Of the model.
    """
    known = np.flatnonzero(cells["actual"].notna())
    known = known[np.argsort((cells["cutoff"] + cells["horizon"]).to_numpy()[known], kind="stable")]
    of = cells.iloc[known]
    log_actual = np.log(np.maximum(of["actual"].to_numpy(), 1.0))
    return Scores(
        horizons=of["horizon"].to_numpy(),
        days=(of["cutoff"] + of["horizon"]).to_numpy(),
        groups=find_groups(of["observed_days"].to_numpy()),
        values=score_quantiles(logs[known], log_actual, spec.quantile_levels),
    )


def take_last_days(scores: Scores, day: int) -> Scores:
    """The scores of the last ``SCORED_DAYS`` target days up to ``day``."""
    end = int(np.searchsorted(scores.days, day, side="right"))
    days = np.unique(scores.days[:end])[-SCORED_DAYS:]
    begin = int(np.searchsorted(scores.days, days[0])) if len(days) else end
    of = slice(begin, end)
    return Scores(scores.horizons[of], scores.days[of], scores.groups[of], scores.values[of])


def build_residuals(cells: pd.DataFrame, name: str, spec: ForecastSpec) -> Residuals:
    """What a bundle carries of its backtest: how it did, uncalibrated, on the last scored days.

    Args:
        cells: Of one region or of several (column region), with the model's raw quantiles.
        name: Of the model in the cells.
        spec: Of the model.
    """
    columns = [f"{name}@{level}" for level in spec.quantile_levels]
    scores = score_cells(cells, np.log(cells[columns].to_numpy(dtype=float)), spec)
    scores = take_last_days(scores, int(scores.days.max(initial=0)))
    shape = (len(GROUP_STARTS), spec.horizon)
    points, per_day = np.ones((*shape, POINTS, len(columns) - 1)), np.zeros(shape)
    for group, step in np.ndindex(*shape):
        of = (scores.groups == group) & (scores.horizons == step + 1)
        if of.any():
            points[group, step] = sketch(scores.values[of])
            per_day[group, step] = of.sum() / len(np.unique(scores.days[scores.horizons == step + 1]))
    return Residuals(points, per_day, _sum_errors(cells, name))


def _sum_errors(cells: pd.DataFrame, name: str) -> Floats:
    """By target day, in units of chart_weekday's mean day. (days, 2)"""
    next_day = cells[(cells["horizon"] == 1) & cells["actual"].notna()]
    errors = {method: (next_day[method] - next_day["actual"]).abs() for method in (name, "chart_weekday")}
    sums = pd.DataFrame(errors).groupby(next_day["cutoff"]).sum().tail(SCORED_DAYS)
    unit = max(float(sums["chart_weekday"].mean()), 1e-9)
    table: Floats = sums.to_numpy(dtype=float) / unit
    return table
