"""The figures of the protocol, from the cells of all folds."""

from typing import Any

import pandas as pd

from training.bootstrap import bootstrap_ratio
from training.breakdown import KINDS
from training.contest import Contest
from training.coverage import summarise_intervals
from training.report import summarise
from training.rivals.statistical import NAMES as STATISTICAL

NEW_BEFORE = 7  # observed days
LAST_DAY = 7
COMPARED_WITH = ("naive", "last_week", "chart_weekday", "lightgbm")  # ratios to these get an interval


def summarise_region(
    contest: Contest, test: pd.DataFrame, validation: pd.DataFrame, sample: pd.DataFrame | None
) -> dict[str, Any]:
    """All figures of a region.

    Args:
        contest: Who took part.
        test: Cells of all folds and horizons with every method's forecasts, their fold and groups.
        validation: Next-day cells of the periods that each fold was chosen on.
        sample: The cells that AutoETS and AutoTheta were tried on; None without them.

    Returns:
        next_day (pooled), by_fold, on_validation (by fold), by_horizon, breakdown (of the next day, by kind
        and group): as ``summarise`` gives them, next_day and by_fold with ``intervals`` of ratios; metadata:
        what they are worth; coverage (of the next day, and of the last): as ``summarise_intervals``; sample.
    """
    methods = contest.methods
    next_day = test[test["horizon"] == 1]
    direct = [f"{model} direct" for model in contest.calibrated]
    breakdown = {kind: _by(next_day, kind, methods) for kind in KINDS}
    return {
        "next_day": _with_intervals(next_day, methods),
        "by_fold": {str(fold): _with_intervals(part, methods) for fold, part in next_day.groupby("fold")},
        "on_validation": _by(validation, "fold", contest.methods_on_validation),
        "by_horizon": _by(_with_direct(test, contest.calibrated), "horizon", [*methods, *direct]),
        "breakdown": breakdown,
        "metadata": _metadata(test, contest.recurrent_parts),
        "coverage": {
            str(day): _coverage(test[test["horizon"] == day], contest.calibrated) for day in (1, LAST_DAY)
        },
        "sample": None if sample is None else _sample(sample, methods),
    }


def _with_direct(cells: pd.DataFrame, models: list[str]) -> pd.DataFrame:
    """The models' own forecasts beside those that the service gives from the second day on."""
    return cells.assign(**{f"{model} direct": cells[f"{model}@0.5"] for model in models})


def _by(cells: pd.DataFrame, kind: str, methods: list[str]) -> dict[str, Any]:
    """Figures of each group that has a known target."""
    groups = cells.groupby(kind, observed=True)
    return {str(group): summarise(part, methods) for group, part in groups if part["actual"].notna().any()}


def _with_intervals(cells: pd.DataFrame, methods: list[str]) -> dict[str, Any]:
    return summarise(cells, methods) | {
        "intervals": {
            method: {
                other: bootstrap_ratio(cells, method, other)._asdict()
                for other in COMPARED_WITH
                if other in cells and other != method
            }
            for method in methods
        }
    }


def _metadata(test: pd.DataFrame, recurrent_parts: dict[str, str]) -> dict[str, Any]:
    """MAE of each multi-input model over its recurrent part's, by days ahead and by how new a track is."""
    new = test["observed_days"] < NEW_BEFORE
    groups = {"debut day": test["observed_days"] == 1, f"under {NEW_BEFORE} days": new, "older": ~new}
    return {
        str(day): {
            group: {
                model: bootstrap_ratio(cells, model, part)._asdict()
                for model, part in recurrent_parts.items()
            }
            for group, of_group in (groups | {"all": new | ~new}).items()
            if (cells := test[of_group & (test["horizon"] == day)])["actual"].notna().any()
        }
        for day in (1, LAST_DAY)
    }


def _coverage(cells: pd.DataFrame, models: list[str]) -> dict[str, Any]:
    """Of the naive forecast's intervals, and of each model's as its weights give them and calibrated."""
    methods = ["naive", *(f"{model}{way}" for model in models for way in ("", " calibrated"))]
    groups = {"all": {"all": cells}} | {
        kind: {str(group): part for group, part in cells.groupby(kind, observed=True)}
        for kind in ("fold", "observed days")
    }
    return {
        kind: {
            group: summarise_intervals(part, methods)
            for group, part in parts.items()
            if part["actual"].notna().any()
        }
        for kind, parts in groups.items()
    }


def _sample(sample: pd.DataFrame, methods: list[str]) -> dict[str, Any]:
    by_horizon = _by(sample, "horizon", [*methods, *STATISTICAL])
    next_day = sample[sample["horizon"] == 1]
    return {
        "by_horizon": by_horizon,
        "intervals": {
            method: {other: bootstrap_ratio(next_day, method, other)._asdict() for other in STATISTICAL}
            for method in methods
        },
    }
