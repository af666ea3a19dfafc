"""What ``app.forecasting.recursion.SHARE`` was chosen by: shares of the recursive forecast, on validation."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from app.forecasting.recursion import SHARE
from training.backtest import add_forecasts, build_cells
from training.bundles import start_bundle
from training.folds import Fold
from training.panel import Panel
from training.recursion import move_forecasts, shift_column
from training.report import summarise, to_table

SHARES = {"direct": 0.0, "1/4": 1 / 4, "1/2": 1 / 2, "2/3": 2 / 3, "3/4": 3 / 4, "recursive": 1.0}
MODEL = "lstm"
HORIZONS = range(1, 8)


def score_shares(panel: Panel, fold: Fold, folder: Path) -> dict[str, Any]:
    """MAE of each share over naive's on the period that a fold was chosen on, by those days ahead it holds.

    Args:
        panel: Of one region.
        fold: The periods; nothing after ``validate_through`` is looked at.
        folder: Of the model.
    """
    known, forecasters = panel.until(fold.validate_through), {MODEL: start_bundle(folder).forecaster}
    first, last = fold.validation_cutoffs
    cells = add_forecasts(build_cells(known, first, last, HORIZONS), known, forecasters)
    cells = move_forecasts(cells, known, forecasters, first)
    way = cells[shift_column(MODEL)] / SHARE
    cells = cells.assign(
        **{label: cells[f"{MODEL}@0.5"] * np.exp(share * way) for label, share in SHARES.items()}
    )
    known_cells = cells[cells["actual"].notna()].groupby("horizon")
    by_day = {str(day): summarise(of_day, list(SHARES)) for day, of_day in known_cells}
    return {
        label: {day: summary["methods"][label]["mae_to_naive"] for day, summary in by_day.items()}
        for label in SHARES
    }


def shares_to_markdown(by_fold: Mapping[str, Any]) -> str:
    """A row a share and fold, and the mean of the folds; a column a day."""
    days = sorted({day for shares in by_fold.values() for ratios in shares.values() for day in ratios})
    rows = [["fold", "share of the recursive", *days]]
    for fold, shares in by_fold.items():
        for label, ratios in shares.items():
            rows.append([fold, label, *(f"{ratios.get(day, np.nan):.3f}" for day in days)])
    for label in SHARES:
        means = [np.mean([shares[label].get(day, np.nan) for shares in by_fold.values()]) for day in days]
        rows.append(["mean", label, *(f"{mean:.3f}" for mean in means)])
    return to_table(rows)
