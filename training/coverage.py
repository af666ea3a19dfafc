"""How often intervals hold, and how wide they are."""

from typing import Any

import pandas as pd

from training.report import LEVELS


def interval_methods(cells: pd.DataFrame) -> list[str]:
    """The methods that have quantiles (columns ``name@level``)."""
    return [column.removesuffix("@0.1") for column in cells.columns if str(column).endswith("@0.1")]


def summarise_intervals(cells: pd.DataFrame) -> dict[str, Any]:
    """Coverage and width of every method's intervals, over the cells whose target is known.

    Returns:
        cells, and by method and level: coverage in percent, and the mean width over the cutoff's streams (the
        same divisor for all methods).
    """
    known = cells[cells["actual"].notna()]
    methods = {name: _figures(known, name) for name in interval_methods(known)}
    return {"cells": len(known), "methods": methods}


def _figures(known: pd.DataFrame, name: str) -> dict[str, dict[str, float]]:
    figures = {}
    for level, (low, high) in LEVELS.items():
        lower, upper = known[f"{name}@{low}"], known[f"{name}@{high}"]
        covered = 100 * known["actual"].between(lower, upper).mean()
        width = ((upper - lower) / known["naive"].clip(lower=1)).mean()
        figures[str(level)] = {"coverage": float(covered), "width": float(width)}
    return figures
