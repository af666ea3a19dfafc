"""What each variant loses against the model that it is held against, seed by seed, on the same cells."""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

import pandas as pd

from app.forecasting.history import Floats
from training.bootstrap import bootstrap_ratio
from training.systems.ablation.variants import Variant

HORIZONS = range(1, 8)
BASELINES = ("naive", "chart_weekday")
NEW_TRACK = 7  # observed days, under which a track is new
WIDEST_SPREAD = 0.01  # of naive's MAE: where seeds differ by more, a run cannot show that nothing changes
NEEDED, REDUNDANT, HARMFUL, UNCLEAR = "needed", "redundant", "better without", "unclear"


def label(fit: str, seed: int) -> str:
    """The column of a fit's forecasts."""
    return f"{fit}@{seed}"


def in_naive_errors(cells: pd.DataFrame, forecasts: Mapping[str, Floats]) -> pd.DataFrame:
    """Targets and forecasts of a region in multiples of the naive forecast's mean error, by days ahead.

    So each day ahead counts as much, and a region by its forecasts. Cells without a target are left out.

    Args:
        cells: Of the region.
        forecasts: In streams, by column. Each (cells,)

    Returns:
        Columns date, horizon, observed_days, actual, the baselines, and those of ``forecasts``.
    """
    naive = (cells["naive"] - cells["actual"]).abs().groupby(cells["horizon"]).transform("mean")
    streams = cells[["actual", *BASELINES]].assign(**forecasts)
    facts = cells[["date", "horizon", "observed_days"]]
    return facts.join(streams.div(naive, axis=0))[cells["actual"].notna()]


def summarise(cells: pd.DataFrame, variants: Sequence[Variant], seeds: Sequence[int]) -> dict[str, Any]:
    """Figures of every variant on every group of cells.

    Args:
        cells: As ``in_naive_errors`` makes them, of all regions.
        variants: All that were fitted, what they are held against among them.
        seeds: Of the fits.

    Returns:
        By group (next_day, week, and the same of new tracks, where there are any): cells, baselines (MAE
        over naive's) and variants, each with to_naive (mean over seeds) and, where it is held against
        another, ``_difference``.
    """
    fits = {variant.name: variant.fit for variant in variants}
    result: dict[str, Any] = {}
    for name, group in _groups(cells).items():
        errors = {column: _mae(group, column) / _mae(group, "naive") for column in group.columns[4:]}
        found = {}
        for variant in variants:
            of_seeds = [errors[label(variant.fit, seed)] for seed in seeds]
            found[variant.name] = {"to_naive": fmean(of_seeds), "to_naive_by_seed": of_seeds}
            if variant.against:
                other = fits[variant.against]
                found[variant.name] |= _difference(group, errors, variant.fit, other, seeds)
        baselines = {baseline: errors[baseline] for baseline in BASELINES}
        result[name] = {"cells": len(group), "baselines": baselines, "variants": found}
    return result


def _groups(cells: pd.DataFrame) -> dict[str, pd.DataFrame]:
    next_day, new = cells["horizon"] == 1, cells["observed_days"] < NEW_TRACK
    groups = {
        "next_day": cells[next_day],
        "week": cells,
        "new_next_day": cells[next_day & new],
        "new_week": cells[new],
    }
    return {name: group for name, group in groups.items() if len(group)}


def _mae(cells: pd.DataFrame, column: str) -> float:
    return float((cells[column] - cells["actual"]).abs().mean())


def _difference(
    cells: pd.DataFrame, errors: Mapping[str, float], fit: str, other: str, seeds: Sequence[int]
) -> dict[str, Any]:
    """How much worse a fit is than another of the same seed, in naive's MAE; and the ratio of the two.

    The interval is of the ratio over all seeds: whole days are drawn, the seeds stay together.
    """
    changes = [errors[label(fit, seed)] - errors[label(other, seed)] for seed in seeds]
    pairs = [
        cells[["date", "actual"]].assign(without=cells[label(fit, seed)], complete=cells[label(other, seed)])
        for seed in seeds
    ]
    interval = bootstrap_ratio(pd.concat(pairs, ignore_index=True), "without", "complete")
    spread = stdev(changes) if len(changes) > 1 else None
    return {
        "change": fmean(changes),
        "change_by_seed": changes,
        "spread": spread,
        "ratio": interval.ratio,
        "low_90": interval.low_90,
        "high_90": interval.high_90,
        "verdict": judge(fmean(changes), spread, interval.low_90, interval.high_90),
    }


def judge(change: float, spread: float | None, low: float, high: float) -> str:
    """What may be said of an input: redundant only if neither days nor seeds tell its absence from noise.

    Seeds that differ by much would hide any change, so those prove nothing.

    Args:
        change: Of the error without it, mean over seeds.
        spread: Its standard deviation over seeds; None: there is one seed, which tells nothing of it.
        low: Of the 90% interval of the errors' ratio.
        high: Of it.
    """
    if spread is None:
        return UNCLEAR
    if low <= 1 <= high:
        return REDUNDANT if abs(change) <= spread <= WIDEST_SPREAD else UNCLEAR
    if abs(change) <= spread:
        return UNCLEAR
    return NEEDED if low > 1 else HARMFUL
