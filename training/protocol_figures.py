"""The figures of the protocol, from the cells of all folds."""

from typing import Any

import pandas as pd

from training.bootstrap import bootstrap_ratio
from training.breakdown import KINDS
from training.coverage import summarise_intervals
from training.report import summarise
from training.rivals.statistical import NAMES as STATISTICAL

COMPARED_WITH = ("naive", "last_week", "chart_weekday", "lightgbm")  # ratios to these get an interval


def summarise_region(
    test: pd.DataFrame, validation: pd.DataFrame, sample: pd.DataFrame | None, methods: list[str]
) -> dict[str, Any]:
    """All figures of a region.

    Args:
        test: Cells of all folds and horizons with every method's forecasts, their fold and groups.
        validation: Next-day cells of the periods that each fold was chosen on.
        sample: The cells that AutoETS and AutoTheta were tried on; None without them.
        methods: Beside the baselines.

    Returns:
        next_day (pooled), by_fold, on_validation (by fold), by_horizon, breakdown (of the next day, by kind
        and group): as ``summarise`` gives them, next_day and by_fold with ``intervals`` of ratios; coverage
        (of the next day): as ``summarise_intervals``; sample.
    """
    next_day = test[test["horizon"] == 1]
    breakdown = {kind: _by(next_day, kind, methods) for kind in KINDS}
    return {
        "next_day": _with_intervals(next_day, methods),
        "by_fold": {str(fold): _with_intervals(part, methods) for fold, part in next_day.groupby("fold")},
        "on_validation": _by(validation, "fold", methods),
        "by_horizon": _by(test, "horizon", methods),
        "breakdown": breakdown,
        "coverage": _coverage(next_day),
        "sample": None if sample is None else _sample(sample, methods),
    }


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


def _coverage(cells: pd.DataFrame) -> dict[str, Any]:
    groups = {"all": {"all": cells}} | {
        kind: {str(group): part for group, part in cells.groupby(kind, observed=True)}
        for kind in ("fold", "observed days")
    }
    return {
        kind: {
            group: summarise_intervals(part) for group, part in parts.items() if part["actual"].notna().any()
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
