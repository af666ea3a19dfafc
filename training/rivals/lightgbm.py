"""LightGBM on rich features, tuned on a fold's validation period: the strongest rival that is not recurrent.

One booster a horizon learns the log-ratio to the target's day beyond the base that the models also build
on, by mean absolute error, each cell counting by its streams as in the models' loss. The settings that do
best for the next day on validation are used for all horizons; each horizon's trees are stopped on
validation. Nothing is refitted.

Source: Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NeurIPS 2017.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from app.forecasting.forecaster import LARGEST_LOG_STREAMS
from app.forecasting.history import Floats, Ints
from training.folds import Fold
from training.panel import Panel
from training.rivals.features import SPEC, build_features

GRID: tuple[Mapping[str, Any], ...] = (
    {"num_leaves": 31, "min_child_samples": 100, "feature_fraction": 0.3, "learning_rate": 0.1},
    {"num_leaves": 63, "min_child_samples": 400, "feature_fraction": 0.15, "learning_rate": 0.1},
)
BOOSTERS, TUNING = "horizon-{}.txt", "tuning.json"


@dataclass(frozen=True)
class BoostingSettings:
    """How boosters are fitted.

    Attributes:
        grid: What is tried on validation.
        rounds: Trees at most.
        patience: Trees without a gain on validation before it is stopped.
        threads: Of the fit; the same number gives the same trees.
        seed: Of the rows and features that each tree sees.
    """

    grid: Sequence[Mapping[str, Any]] = GRID
    rounds: int = 1500
    patience: int = 50
    threads: int = 1
    seed: int = 1

    @property
    def parameters(self) -> dict[str, Any]:
        """What all fits share."""
        return {
            "objective": "l1",
            "metric": "l1",
            "bagging_fraction": 0.5,
            "bagging_freq": 1,
            "max_bin": 63,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": self.threads,
            "seed": self.seed,
            "verbosity": -1,
        }


@dataclass(frozen=True)
class Boosters:
    """A booster for each horizon from 1, and how the settings were chosen."""

    boosters: Sequence[lgb.Booster]
    tuning: dict[str, Any]

    def forecast(self, panel: Panel, tracks: Ints, cutoffs: Ints) -> Floats:
        """Streams on the days after each cutoff, if the track charts. (cells, horizon)"""
        common, own, log_last, base = build_features(panel, tracks, cutoffs)
        found = np.empty((len(tracks), len(self.boosters)))
        for step, booster in enumerate(self.boosters):
            beyond = np.asarray(booster.predict(np.concatenate([common, own[:, step]], axis=1)))
            found[:, step] = np.exp(np.minimum(log_last + base[:, step] + beyond, LARGEST_LOG_STREAMS))
        return found


@dataclass(frozen=True)
class _Cells:
    """Features and targets of a period's cells; NaN where there is no target in the period."""

    common: np.ndarray  # (cells, features)
    own: np.ndarray  # (cells, horizon, features)
    log_last: Floats  # (cells,)
    targets: Floats  # (cells, horizon)

    def of_horizon(self, step: int) -> tuple[np.ndarray, Floats, Floats]:
        """Features, targets and weights, about 1 on average, of the cells that have a target."""
        known = np.isfinite(self.targets[:, step])
        features = np.concatenate([self.common[known], self.own[known, step]], axis=1)
        streams = np.exp(self.log_last[known])
        return features, self.targets[known, step], streams / streams.mean()


def fit_boosters(panels: Sequence[Panel], fold: Fold, settings: BoostingSettings) -> Boosters:
    """Tune and fit on a fold's training period, with its validation period to choose on.

    Args:
        panels: The charts; what lies after ``fold.validate_through`` is taken out first.
        fold: The periods.
        settings: How.

    Raises:
        ValueError: a period holds no target.
    """
    known = [panel.until(fold.validate_through) for panel in panels]
    training = _build_cells(known, min(panel.days[0] for panel in panels), fold.train_through)
    validation = _build_cells(known, fold.train_through, fold.validate_through)
    tried = [_fit(training, validation, 0, settings, choice) for choice in settings.grid]
    losses = [_loss(booster) for booster in tried]
    best = int(np.argmin(losses))
    print(f"lightgbm: fold {fold.name}: of {len(losses)} settings {dict(settings.grid[best])}", flush=True)
    later = [_fit(training, validation, h, settings, settings.grid[best]) for h in range(1, SPEC.horizon)]
    boosters = [tried[best], *later]
    return Boosters(boosters, _describe(settings, tried, best, boosters))


def _build_cells(panels: Sequence[Panel], after: np.datetime64, through: np.datetime64) -> _Cells:
    """Cells with a target after ``after`` and at or before ``through``."""
    parts = [_cells_of_region(panel, after, through) for panel in panels]
    joined = (np.concatenate([getattr(part, name) for part in parts]) for name in _Cells.__annotations__)
    cells = _Cells(*joined)
    if not np.isfinite(cells.targets).any(axis=0).all():
        raise ValueError(f"there is no target after {after} and up to {through}: give a longer period")
    return cells


def _cells_of_region(panel: Panel, after: np.datetime64, through: np.datetime64) -> _Cells:
    first, last = (int((day - panel.days[0]).astype(int)) for day in (after, through))
    begin = max(first + 1 - SPEC.horizon, 0)
    tracks, days = np.nonzero(np.isfinite(panel.streams[:, begin:last]))
    cutoffs = days + begin
    common, own, log_last, base = build_features(panel, tracks, cutoffs)
    target_days = cutoffs[:, None] + np.arange(1, SPEC.horizon + 1)
    streams = panel.streams[tracks[:, None], np.minimum(target_days, last)]
    inside = (target_days > first) & (target_days <= last)
    targets = np.log(np.maximum(np.where(inside, streams, np.nan), 1.0)) - log_last[:, None] - base
    return _Cells(common, own, log_last, targets)


def _fit(
    training: _Cells, validation: _Cells, step: int, settings: BoostingSettings, choice: Mapping[str, Any]
) -> lgb.Booster:
    parameters = settings.parameters | dict(choice)
    features, targets, weights = training.of_horizon(step)
    learned = lgb.Dataset(features, targets, weight=weights, params=parameters)
    features, targets, weights = validation.of_horizon(step)
    judged = lgb.Dataset(features, targets, weight=weights, reference=learned)
    stop = lgb.early_stopping(settings.patience, verbose=False)
    return lgb.train(parameters, learned, settings.rounds, valid_sets=[judged], callbacks=[stop])


def _loss(booster: lgb.Booster) -> float:
    return float(booster.best_score["valid_0"]["l1"])


def _describe(
    settings: BoostingSettings, tried: Sequence[lgb.Booster], best: int, boosters: Sequence[lgb.Booster]
) -> dict[str, Any]:
    return {
        "shared": settings.parameters,
        "tried": [
            {**choice, "rounds": booster.best_iteration, "validation_loss": _loss(booster)}
            for choice, booster in zip(settings.grid, tried, strict=True)
        ],
        "chosen": best,
        "rounds": [booster.best_iteration for booster in boosters],
        "validation_loss": [_loss(booster) for booster in boosters],
    }


def save_boosters(fitted: Boosters, folder: Path) -> None:
    """Write boosters as text, and how they were chosen, which comes last: a folder that has it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    for step, booster in enumerate(fitted.boosters, start=1):
        booster.save_model(folder / BOOSTERS.format(step), num_iteration=booster.best_iteration)
    (folder / TUNING).write_text(json.dumps(fitted.tuning, indent=2) + "\n")


def load_boosters(folder: Path) -> Boosters:
    """Read what ``save_boosters`` wrote."""
    tuning = json.loads((folder / TUNING).read_text())
    paths = [folder / BOOSTERS.format(step) for step in range(1, SPEC.horizon + 1)]
    return Boosters([lgb.Booster(model_file=path) for path in paths], tuning)
