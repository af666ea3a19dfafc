"""The models of the ablation: fitted on a budget, or read where that was done before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from app.forecasting.forecaster import Forecaster
from app.forecasting.history import Floats
from training.backtest import add_forecasts
from training.bundles import start_bundle
from training.fit import FitSettings
from training.folds import Fold
from training.panel import Panel
from training.recipes import SECOND_STAGE_SETTINGS, Plan, fit_candidate
from training.systems.ablation.variants import FULL, Variant
from training.warm_start import EMA_MOMENTUM


@dataclass(frozen=True)
class Budget:
    """How much of a fit each model gets; the learning rate falls over just as many epochs.

    Attributes:
        days: Of training history that the tracks' part learns from; the market's part learns from all.
        epochs: Of the tracks' part. The second stage of multi_input takes twice as many.
        market_epochs: Of the market's part.
    """

    days: int = 730
    epochs: int = 3
    market_epochs: int = 30

    def plan(self, variant: Variant, seed: int, fold: Fold, folder: Path) -> Plan:
        """What to fit for a variant; the parts that it takes from the full model are in ``folder``."""
        second = variant.model == "multi_input"
        epochs = 2 * self.epochs if second else self.epochs
        full = fit_folder(folder, FULL, seed)
        base = Plan(name=variant.model, train_through=fold.train_through)
        return replace(
            base,
            epochs=epochs,
            inputs=variant.inputs,
            learn_after=fold.train_through - np.timedelta64(self.days, "D"),
            least_observed=variant.least_observed,
            recode=None if variant.recoding is None else variant.recoding.of_examples,
            recurrent=full if second else None,
            market=full if variant.shares_market and variant is not FULL and not second else None,
            settings=FitSettings(seed=seed, max_epochs=epochs, ema_momentum=EMA_MOMENTUM),
            market_settings=replace(base.market_settings, max_epochs=self.market_epochs),
            second_stage_settings=replace(
                SECOND_STAGE_SETTINGS, max_epochs=epochs, ema_momentum=EMA_MOMENTUM
            ),
        )


def fit_folder(folder: Path, variant: Variant, seed: int) -> Path:
    """Where a variant's fit is kept: a candidate bundle."""
    return folder / f"{variant.fit.replace(' ', '-')}-{seed}"


def fit_variant(
    variant: Variant, seed: int, budget: Budget, fold: Fold, panels: Sequence[Panel], folder: Path
) -> None:
    """Fit a variant if it is not in ``folder`` yet, on days up to the fold's ``train_through`` alone."""
    target = fit_folder(folder, variant, seed)
    if target.exists():
        return
    print(f"fold {fold.name}: fitting {target.name}", flush=True)
    known = [variant.charts(panel.until(fold.train_through)) for panel in panels]
    fit_candidate(budget.plan(variant, seed, fold, folder), known, target)
    keras.backend.clear_session()  # or every model of the run stays in memory


def forecast_variant(
    variant: Variant, seeds: Sequence[int], cells: pd.DataFrame, panel: Panel, folder: Path
) -> dict[int, Floats]:
    """A fitted variant's median forecasts, kept beside it.

    Args:
        variant: Which.
        seeds: Of its fits.
        cells: Of the region, the same for all variants.
        panel: The charts as they are.
        folder: Of the fits.

    Returns:
        In streams, by seed. Each (cells,)
    """
    fitted = {seed: fit_folder(folder, variant, seed) for seed in seeds}
    kept = {seed: path.with_name(f"{path.name}.{panel.region}.npy") for seed, path in fitted.items()}
    wanted = {str(seed): fitted[seed] for seed, path in kept.items() if not path.exists()}
    if wanted:
        forecasters = {seed: build_forecaster(variant, path) for seed, path in wanted.items()}
        forecasts = add_forecasts(cells, variant.charts(panel), forecasters)
        for seed in wanted:
            _save(kept[int(seed)], forecasts[seed].to_numpy())
    return {seed: np.load(path) for seed, path in kept.items()}


def _save(path: Path, forecasts: Floats) -> None:
    """Whole or not at all."""
    staged = path.with_name(f".{path.name}")
    np.save(staged, forecasts)
    staged.replace(path)


def build_forecaster(variant: Variant, fitted: Path) -> Forecaster:
    """A fitted variant, asked in streams and answering in streams."""
    model = start_bundle(fitted).forecaster
    return model if variant.recoding is None else variant.recoding.of_forecaster(model)
