"""What ``app.forecasting.recursion`` was set by: shares of the recursive forecast, on validation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from app.forecasting.recursion import NEW_BEFORE
from training.backtest import add_forecasts, build_cells
from training.bundles import start_bundle
from training.folds import Fold
from training.panel import Panel
from training.recursion import move_forecasts, recursive_column
from training.report import summarise, to_table

SHARES = {"direct": 0.0, "1/4": 1 / 4, "1/2": 1 / 2, "2/3": 2 / 3, "3/4": 3 / 4, "recursive": 1.0}
ALL, NEW = "lstm", "multi_input"  # the models that all tracks, and new ones, are looked at with
HORIZONS = range(1, 8)


def score_shares(panel: Panel, fold: Fold, models: Mapping[str, Path]) -> pd.DataFrame:
    """Every share on the period that a fold was chosen on.

    Args:
        panel: Of one region.
        fold: The periods; nothing after ``validate_through`` is looked at.
        models: The folders of ``ALL`` and ``NEW``.

    Returns:
        Cells with known targets and a column a share, of each model (column model).
    """
    known, (first, last) = panel.until(fold.validate_through), fold.validation_cutoffs
    cells, parts = build_cells(known, first, last, HORIZONS), []
    for name, folder in models.items():
        forecasters = {name: start_bundle(folder).forecaster}
        moved = move_forecasts(add_forecasts(cells, known, forecasters), known, forecasters, first)
        way = np.log(moved[recursive_column(name)] / moved[f"{name}@0.5"])
        shares = {label: moved[f"{name}@0.5"] * np.exp(share * way) for label, share in SHARES.items()}
        parts.append(cells.assign(**shares, model=name, fold=fold.name))
    scored = pd.concat(parts, ignore_index=True)
    return scored[scored["actual"].notna()]


def summarise_shares(scored: pd.DataFrame) -> dict[str, Any]:
    """MAE of each share over naive's, by days ahead: of all tracks by fold, of new ones of all folds."""
    of_all = scored[scored["model"] == ALL]
    by_fold = {str(fold): _by_day(part) for fold, part in of_all.groupby("fold")}
    new = scored[(scored["model"] == NEW) & (scored["observed_days"] < NEW_BEFORE)]
    return {"by_fold": by_fold, "new": _by_day(new)}


def _by_day(cells: pd.DataFrame) -> dict[str, dict[str, float]]:
    by_day = {str(day): summarise(part, list(SHARES))["methods"] for day, part in cells.groupby("horizon")}
    return {label: {day: of[label]["mae_to_naive"] for day, of in by_day.items()} for label in SHARES}


def shares_to_markdown(shares: Mapping[str, Any]) -> str:
    """A row a share: of each fold, of the mean of the folds, of new tracks; a column a day."""
    by_fold = shares["by_fold"]
    days = sorted({day for of_fold in by_fold.values() for ratios in of_fold.values() for day in ratios})
    rows = [["tracks", "share of the recursive", *days]]
    for fold, of_fold in by_fold.items():
        rows += [[f"fold {fold}", label, *_cells(of_fold[label], days)] for label in SHARES]
    of_all = {day for day in days if all(day in of["direct"] for of in by_fold.values())}
    for label in SHARES:
        means = {day: np.mean([of[label][day] for of in by_fold.values()]) for day in of_all}
        rows.append(["mean of the folds", label, *_cells(means, days)])
    new = f"under {NEW_BEFORE} observed days, {NEW}"
    rows += [[new, label, *_cells(shares["new"][label], days)] for label in SHARES]
    return to_table(rows)


def _cells(ratios: Mapping[str, float], days: list[str]) -> list[str]:
    return [f"{ratios[day]:.3f}" if day in ratios else "" for day in days]
