"""Backtests of bundles: which cutoffs are fair, and the figures that are kept and shown."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.model_store import RunningModel
from training.backtest import add_forecasts, build_cells
from training.bundles import start_bundle, write_backtest
from training.panel import Panel
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
    """Score bundles against each other and the baselines, on the same cells; write the figures beside each.

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
    result = {
        "cutoffs": [str(first), str(last)],
        "in_sample": in_sample,
        "bundles": {_label(folder, models): _dates(model) for folder, model in models.items()},
        "regions": {p.region: _score(p, models, first, last, horizons) for p in panels},
    }
    for folder in folders:
        write_backtest(folder, result)
    return result


def _score(
    panel: Panel,
    models: dict[Path, RunningModel],
    first: np.datetime64,
    last: np.datetime64,
    horizons: Sequence[int],
) -> dict[str, Any]:
    cells = build_cells(panel, first, last, horizons)
    labels = [_label(folder, models) for folder in models]
    for label, model in zip(labels, models.values(), strict=True):
        cells = add_forecasts(cells, panel, model.forecaster, label)
    return {str(h): summarise(cells[cells["horizon"] == h], labels) for h in horizons}


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
