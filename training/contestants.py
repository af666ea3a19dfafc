"""Every method of a fold: fitted on its days, or read where that was done before, and put on its cells."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from training.backtest import add_forecasts
from training.bundles import start_bundle
from training.fit import FitSettings
from training.folds import Fold
from training.panel import Panel
from training.recipes import NAMES, Plan, fit_candidate
from training.rivals.conformal_naive import add_conformal_naive
from training.rivals.lightgbm import (
    TUNING,
    Boosters,
    BoostingSettings,
    fit_boosters,
    load_boosters,
    save_boosters,
)
from training.rivals.statistical import NAMES as STATISTICAL
from training.rivals.statistical import forecast_statistical, sample_tracks

LIGHTGBM = "lightgbm"


@dataclass(frozen=True)
class Contest:
    """Who takes part, and how they are fitted.

    Attributes:
        seeds: Each of the three models is fitted once with each.
        rivals: Whether LightGBM, AutoETS and AutoTheta take part.
        fit: How models are fitted, but for the seed.
        boosting: How LightGBM is.
    """

    seeds: Sequence[int] = (1,)
    rivals: bool = True
    fit: FitSettings = field(default_factory=FitSettings)
    boosting: BoostingSettings = field(default_factory=BoostingSettings)

    @property
    def methods(self) -> list[str]:
        """What is on every cell beside the baselines."""
        models = [model_label(name, seed) for seed in self.seeds for name in NAMES]
        return [*models, LIGHTGBM] if self.rivals else models


def model_label(name: str, seed: int) -> str:
    """A model's name, with its seed where that is not the first."""
    return name if seed == 1 else f"{name}-{seed}"


def fit_fold(contest: Contest, fold: Fold, panels: Sequence[Panel], folder: Path) -> None:
    """Fit what is not in ``folder`` yet: a candidate bundle a model and seed, and LightGBM's boosters."""
    known = [panel.until(fold.first) for panel in panels]
    for seed in contest.seeds:
        for plan, target in _plans(contest, fold, folder, seed):
            if not target.exists():
                print(f"fold {fold.name}: fitting {target.name}", flush=True)
                fit_candidate(plan, known, target)
    if contest.rivals and not (folder / LIGHTGBM / TUNING).exists():
        print(f"fold {fold.name}: fitting {LIGHTGBM}", flush=True)
        save_boosters(fit_boosters(known, fold, contest.boosting), folder / LIGHTGBM)


def _plans(contest: Contest, fold: Fold, folder: Path, seed: int) -> Iterator[tuple[Plan, Path]]:
    for name in NAMES:
        recurrent = folder / model_label("lstm", seed) if name == "multi_input" else None
        settings = replace(contest.fit, seed=seed)
        plan = Plan(name, fold.train_through, fold.validate_through, recurrent=recurrent, settings=settings)
        yield plan, folder / model_label(name, seed)


def add_methods(contest: Contest, cells: pd.DataFrame, panel: Panel, folder: Path) -> pd.DataFrame:
    """Put what is fitted in ``folder`` on the cells: a column a method, and its quantiles."""
    cells = add_conformal_naive(cells, panel)
    for label in (model_label(name, seed) for seed in contest.seeds for name in NAMES):
        cells = add_forecasts(cells, panel, start_bundle(folder / label).forecaster, label)
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
