"""How often intervals hold, and how wide they are."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from training.report import LEVELS


def summarise_intervals(cells: pd.DataFrame, methods: Sequence[str]) -> dict[str, Any]:
    """Coverage and width of intervals (columns ``name@level``), over the cells whose target is known.

    Returns:
        cells, and by method and level: coverage in percent, and the mean width over the cutoff's streams (the
        same divisor for all methods).
    """
    known = cells[cells["actual"].notna()]
    return {"cells": len(known), "methods": {name: _figures(known, name) for name in methods}}


def _figures(known: pd.DataFrame, name: str) -> dict[str, dict[str, float]]:
    figures = {}
    for level, (low, high) in LEVELS.items():
        lower, upper = known[f"{name}@{low}"], known[f"{name}@{high}"]
        covered = 100 * known["actual"].between(lower, upper).mean()
        width = ((upper - lower) / known["naive"].clip(lower=1)).mean()
        figures[str(level)] = {"coverage": float(covered), "width": float(width)}
    return figures
