"""Every method of a fold: fitted on its days, or read where that was done before, and put on its cells."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from training.contest import LIGHTGBM, Contest
from training.fold_models import add_models, fit_models
from training.folds import Fold
from training.panel import Panel
from training.rivals.conformal_naive import add_conformal_naive
from training.rivals.lightgbm import TUNING, Boosters, fit_boosters, load_boosters, save_boosters
from training.rivals.statistical import NAMES as STATISTICAL
from training.rivals.statistical import forecast_statistical, sample_tracks


def fit_fold(contest: Contest, fold: Fold, panels: Sequence[Panel], folder: Path) -> None:
    """Fit what is not in ``folder`` yet: the models, and LightGBM's boosters."""
    fit_models(contest, fold, panels, folder)
    if contest.rivals and not (folder / LIGHTGBM / TUNING).exists():
        print(f"fold {fold.name}: fitting {LIGHTGBM}", flush=True)
        known = [panel.until(fold.first) for panel in panels]
        save_boosters(fit_boosters(known, fold, contest.boosting), folder / LIGHTGBM)


def add_methods(
    contest: Contest, cells: pd.DataFrame, panel: Panel, folder: Path, fold: Fold | None = None
) -> pd.DataFrame:
    """Put what is fitted in ``folder`` on the cells: a column a method, and its quantiles.

    The model that is trained on month by month is there only where ``fold`` says the months.
    """
    cells = add_models(contest, add_conformal_naive(cells, panel), panel, folder, fold)
    return _add_lightgbm(cells, panel, load_boosters(folder / LIGHTGBM)) if contest.rivals else cells


def _add_lightgbm(cells: pd.DataFrame, panel: Panel, boosters: Boosters) -> pd.DataFrame:
    pairs, row = np.unique(cells[["track", "cutoff"]].to_numpy(), axis=0, return_inverse=True)
    forecasts = boosters.forecast(panel, *pairs.T)
    return cells.assign(**{LIGHTGBM: forecasts[row.ravel(), cells["horizon"].to_numpy() - 1]})


def add_statistical(cells: pd.DataFrame, panel: Panel, folder: Path) -> pd.DataFrame:
    """The sample of the cells that AutoETS and AutoTheta are tried on, with their forecasts.

    They are kept in ``folder`` and made anew only where the sample is another.
    """
    sample = sample_tracks(cells, seed=1)
    pairs, row = np.unique(sample[["track", "cutoff"]].to_numpy(), axis=0, return_inverse=True)
    kept = folder / f"statistical-{panel.region}.npz"
    if not _holds(kept, pairs):
        print(f"{folder.name}: fitting {' and '.join(STATISTICAL)} to {len(pairs)} series", flush=True)
        _keep(kept, pairs, forecast_statistical(panel, *pairs.T))
    with np.load(kept) as arrays:
        step = sample["horizon"].to_numpy() - 1
        return sample.assign(**{name: arrays[name][row.ravel(), step] for name in STATISTICAL})


def _holds(kept: Path, pairs: np.ndarray) -> bool:
    if not kept.exists():
        return False
    with np.load(kept) as arrays:
        return np.array_equal(arrays["pairs"], pairs)


def _keep(kept: Path, pairs: np.ndarray, forecasts: dict[str, np.ndarray]) -> None:
    partial = kept.with_suffix(".partial.npz")
    np.savez_compressed(partial, pairs=pairs, **forecasts)  # type: ignore[arg-type]
    os.replace(partial, kept)
