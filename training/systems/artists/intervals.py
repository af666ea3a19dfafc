"""Intervals of artists' sums: with which correlation they cover, and how well."""

from typing import Any

import numpy as np
import pandas as pd

from app.forecasting.history import Floats
from training.report import LEVELS
from training.systems.artists.cells import BLOCK, CALIBRATED, Cells

GRID = np.linspace(0, 1, 21)
SEVERAL = 2  # tracks: with one there is nothing to combine
SIZES = {"one track": (1, 1), "2 or 3": (2, 3), "4 and more": (4, np.inf), "all": (1, np.inf)}
KEY = [*BLOCK, "artist"]


def add_distances(cells: Cells) -> pd.DataFrame:
    """The artists' rows with the sums of their tracks' distances and of their squares, bound by bound.

    Returns:
        Added columns: sum_of_medians, and for each bound ``sum@level`` and ``squares@level``.
    """
    tracks = cells.tracks
    added: dict[str, pd.Series[float]] = {}
    for level in (bound for bounds in LEVELS.values() for bound in bounds):
        distance = (tracks[f"{CALIBRATED}@{level}"] - tracks["base"]).abs()
        added |= {f"sum@{level}": distance, f"squares@{level}": distance**2}
    added["sum_of_medians"] = tracks["base"]
    summed = tracks[KEY].assign(**added).groupby(KEY).sum().reset_index()
    return cells.artists.merge(summed, on=KEY, validate="one_to_one")


def find_bounds(artists: pd.DataFrame, level: int, correlation: Floats | float) -> tuple[Floats, Floats]:
    """The interval of each sum: ``combine_distances`` by columns. (cells,) each"""
    bounds = []
    for bound, side in zip(LEVELS[level], (-1, 1), strict=True):
        squares, total = (artists[f"{name}@{bound}"].to_numpy(dtype=float) for name in ("squares", "sum"))
        distance = np.sqrt((1 - correlation) * squares + correlation * total**2)
        bounds.append(artists["sum_of_medians"].to_numpy(dtype=float) + side * distance)
    return np.maximum(bounds[0], 0.0), bounds[1]


def fit_correlations(artists: pd.DataFrame) -> dict[int, float]:
    """By horizon, the correlation with which intervals of artists with several tracks cover best.

    Best is the smallest sum of what coverage lacks or has too much of, over the three levels.

    Args:
        artists: Of ``add_distances``, of a validation period.
    """
    several = artists[artists["tracks"] >= SEVERAL]
    return {int(str(horizon)): _fit(of) for horizon, of in several.groupby("horizon")}


def _fit(artists: pd.DataFrame) -> float:
    misses = [
        sum(abs(_coverage(artists, level, correlation) - level) for level in LEVELS) for correlation in GRID
    ]
    return float(np.round(GRID[int(np.argmin(misses))], 2))


def _coverage(artists: pd.DataFrame, level: int, correlation: Floats | float) -> float:
    lower, upper = find_bounds(artists, level, correlation)
    actual = artists["actual"].to_numpy(dtype=float)
    return float(100 * ((actual >= lower) & (actual <= upper)).mean())


def summarise_coverage(artists: pd.DataFrame, correlations: Floats) -> dict[str, Any]:
    """Coverage in percent and width over the sum's median, by number of tracks and way of combining.

    Args:
        artists: Of ``add_distances``, of a test period.
        correlations: Of each row; beside them intervals of independent errors (0) and of shared ones (1).
    """
    found: dict[str, Any] = {}
    for size, (fewest, most) in SIZES.items():
        inside = artists["tracks"].between(fewest, most).to_numpy()
        of_size = artists[inside]
        if of_size.empty:
            continue
        ways: dict[str, Floats | float] = {
            "estimated": correlations[inside],
            "independent": 0.0,
            "summed bounds": 1.0,
        }
        found[size] = {"cells": len(of_size)} | {
            way: {str(level): _figures(of_size, level, correlation) for level in LEVELS}
            for way, correlation in ways.items()
        }
    return found


def _figures(artists: pd.DataFrame, level: int, correlation: Floats | float) -> dict[str, float]:
    lower, upper = find_bounds(artists, level, correlation)
    width = (upper - lower) / np.maximum(artists["sum_of_medians"].to_numpy(dtype=float), 1.0)
    return {"coverage": _coverage(artists, level, correlation), "width": float(width.mean())}
