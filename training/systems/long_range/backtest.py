"""Rolled forecasts on the test of every fold, by models that learned from earlier days alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from app.forecasting.forecaster import Forecaster
from training.bundles import start_bundle
from training.folds import Fold
from training.panel import Panel
from training.recipes import Plan, fit_candidate
from training.systems.long_range.cells import add_rolled, build_long_cells, spread_cutoffs
from training.systems.long_range.figures import summarise_long


class OtherDaysError(Exception):
    """A fold's bundle learned from other days than the fold's."""


def fit_folds(folds: Sequence[Fold], panel: Panel, folder: Path) -> dict[str, Path]:
    """An LSTM a fold, in ``folder/fold-<name>``; what is there already is not fitted again."""
    found = {fold.name: folder / f"fold-{fold.name}" for fold in folds}
    for fold in folds:
        if not found[fold.name].exists():
            print(f"fold {fold.name}: fitting", flush=True)
            known = panel.until(fold.validate_through)
            fit_candidate(Plan("lstm", fold.train_through, fold.validate_through), [known], found[fold.name])
    return found


def start_fold(fold: Fold, folder: Path) -> Forecaster:
    """A fold's model, running.

    Raises:
        OtherDaysError: it learned, or chose its epochs, on days that are not the fold's for that.
    """
    model = start_bundle(folder)
    bundle = model.bundle
    said = (bundle.trained_through, bundle.training["validated_through"])
    if said != (str(fold.train_through), str(fold.validate_through)):
        raise OtherDaysError(f"{folder} learned through {said[0]} and validated through {said[1]}: {fold}")
    return model.forecaster


def score_folds(folds: Sequence[Fold], panel: Panel, bundles: Mapping[str, Path]) -> dict[str, Any]:
    """The figures of all folds' tests together, and of each (``summarise_long``)."""
    return summarise_long(pd.concat([_score_fold(fold, panel, bundles[fold.name]) for fold in folds]))


def _score_fold(fold: Fold, panel: Panel, folder: Path) -> pd.DataFrame:
    print(f"fold {fold.name}: forecasting", flush=True)
    last = min(fold.last, panel.days[-1] - np.timedelta64(1, "D"))
    cells = build_long_cells(panel, spread_cutoffs(fold.first, last))
    forecaster = start_fold(fold, folder)
    return add_rolled(cells, panel, forecaster, fold.train_through).assign(fold=fold.name)
