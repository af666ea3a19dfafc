"""Backtests of bundles: which cutoffs are fair, and the figures that are kept and shown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from app.model_store import RunningModel
from training.backtest import add_forecasts, build_cells
from training.bundles import start_bundle, write_backtest, write_residuals
from training.calibration import WARM_UP, build_residuals, calibrate_cells
from training.panel import Panel
from training.recursion import move_forecasts
from training.report import summarise


class InSampleError(Exception):
    """Cutoffs that a bundle was trained on, or that its epochs were chosen on."""


def backtest_bundles(
    folders: Sequence[Path],
    panels: Sequence[Panel],
    *,
    first: np.datetime64,
    last: np.datetime64,
    horizons: Sequence[int],
    in_sample: bool = False,
) -> dict[str, Any]:
    """Score bundles against each other and the baselines, on the same cells; candidates' figures are kept.

    Args:
        folders: Candidates or published bundles.
        panels: The charts; only their days up to the targets of ``last`` are looked at.
        first: The first cutoff.
        last: The last cutoff.
        horizons: Days ahead.
        in_sample: Score cutoffs that a bundle was trained on all the same; the figures say so.

    Raises:
        InSampleError: a bundle was trained on some of the targets, and ``in_sample`` is not set.
    """
    models = {folder: start_bundle(folder) for folder in folders}
    if not in_sample:
        for folder, model in models.items():
            _refuse_in_sample(folder, model, first)
    cells = {p.region: _forecast(p, models, first, last, horizons) for p in panels}
    result = {
        "cutoffs": [str(first), str(last)],
        "in_sample": in_sample,
        "bundles": {_label(folder, models): _dates(model) for folder, model in models.items()},
        "regions": {region: _score(of, models, first, horizons) for region, of in cells.items()},
    }
    for folder, model in models.items():
        if model.bundle.version:
            continue  # it is published, with the figures that it has
        write_backtest(folder, result)
        # What a bundle carries into the service must not come from days that it learned from.
        residuals = (
            None if in_sample else build_residuals(_join(cells), _label(folder, models), model.bundle.spec)
        )
        write_residuals(folder, residuals)
    return result


def _forecast(
    panel: Panel,
    models: dict[Path, RunningModel],
    first: np.datetime64,
    last: np.datetime64,
    horizons: Sequence[int],
) -> pd.DataFrame:
    """The cells of the period, and before them those that its intervals are calibrated on."""
    learned = max(np.datetime64(model.bundle.trained_through, "D") for model in models.values())
    warm_up = max(first - np.timedelta64(WARM_UP, "D"), learned, panel.days[0])
    cells = build_cells(panel, min(warm_up, first), last, horizons)
    forecasters = {_label(folder, models): model.forecaster for folder, model in models.items()}
    return move_forecasts(add_forecasts(cells, panel, forecasters), panel, forecasters, first)


def _score(
    cells: pd.DataFrame, models: dict[Path, RunningModel], first: np.datetime64, horizons: Sequence[int]
) -> dict[str, Any]:
    labels = [_label(folder, models) for folder in models]
    calibrated = cells
    for label, model in zip(labels, models.values(), strict=True):
        calibrated = calibrate_cells(calibrated, label, model.bundle.spec)
    of_period = (cells["date"] >= first).to_numpy()
    scored = {}
    for horizon in horizons:
        of = of_period & (cells["horizon"] == horizon).to_numpy()
        summary, held = summarise(cells[of], labels), summarise(calibrated[of], labels)["methods"]
        for label in labels:
            summary["methods"][label] |= _calibrated_figures(held[label])
        scored[str(horizon)] = summary
    return scored


def _calibrated_figures(figures: dict[str, float]) -> dict[str, float]:
    kept = {name: value for name, value in figures.items() if name.startswith(("coverage_", "width_"))}
    return {f"calibrated_{name}": value for name, value in kept.items()}


def _join(cells: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The cells of several regions, their cutoffs as numbers of days that mean the same in all."""
    days = [
        of.assign(cutoff=of["date"].to_numpy().astype("datetime64[D]").astype(int)) for of in cells.values()
    ]
    return pd.concat(days, ignore_index=True)


def _label(folder: Path, models: dict[Path, RunningModel]) -> str:
    """A bundle's name; where two bundles share one its folder's; where they share that too its path."""
    names = [model.bundle.name for model in models.values()]
    name = models[folder].bundle.name
    if names.count(name) == 1:
        return name
    return folder.name if [path.name for path in models].count(folder.name) == 1 else str(folder)


def _dates(model: RunningModel) -> dict[str, Any]:
    training = model.bundle.training
    return {
        "trained_through": model.bundle.trained_through,
        "validated_through": training["validated_through"],
        "epochs": training["epochs"],
    }


def _refuse_in_sample(folder: Path, model: RunningModel, first: np.datetime64) -> None:
    seen = max(model.bundle.trained_through, model.bundle.training["validated_through"] or "")
    if str(first) < seen:
        raise InSampleError(
            f"{folder} learned from days through {seen}: begin with a cutoff on or after it, "
            "or say --in-sample (and quote the figures as such)"
        )
