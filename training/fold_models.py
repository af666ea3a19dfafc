"""The models of a fold: fitted on its days, or read where that was done before, and put on its cells."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from training.backtest import add_forecasts
from training.bundles import start_bundle
from training.contest import ENSEMBLES, JOINT, REFIT, Contest, ensemble_label, model_label
from training.ensemble import average_candidates
from training.folds import Fold
from training.panel import Panel
from training.recipes import Plan, fit_candidate
from training.recursion import move_forecasts
from training.warm_start import train_on


def fit_models(contest: Contest, fold: Fold, panels: Sequence[Panel], folder: Path) -> None:
    """Fit what is not in ``folder`` yet: a candidate a model, and one a month of what is trained on."""
    known = [panel.until(fold.first) for panel in panels]
    for plan, target in _plans(contest, fold, folder):
        if not target.exists():
            print(f"fold {fold.name}: fitting {target.name}", flush=True)
            fit_candidate(plan, known, target)
    for name in ENSEMBLES if contest.ensembles else ():
        target = _ensemble_folder(contest, name, folder)
        if not target.exists():
            members = [folder / model_label(name, seed) for seed in contest.seeds]
            average_candidates(members, target)
    source = _fixed_folder(contest, contest.refitted, folder)
    for day in months(fold):
        target = _refit_folder(contest, folder, day)
        if not target.exists():
            print(f"fold {fold.name}: training {source.name} on through {day}", flush=True)
            train_on(source, [panel.until(day) for panel in panels], day, target, warm=contest.warm)
        source = target


def months(fold: Fold) -> list[np.datetime64]:
    """The cutoffs on which a model is trained on: the first one, and the first of each month after it."""
    first, last = (day.astype("datetime64[M]") for day in (fold.first, fold.last))
    return [fold.first, *np.arange(first + 1, last + 1).astype("datetime64[D]")]


def _plans(contest: Contest, fold: Fold, folder: Path) -> Iterator[tuple[Plan, Path]]:
    for seed in contest.seeds:
        plan = Plan(
            "lstm", fold.train_through, fold.validate_through, settings=replace(contest.fit, seed=seed)
        )
        recurrent = folder / model_label("lstm", seed)
        two_stage = replace(plan, name="multi_input", recurrent=recurrent)
        yield plan, recurrent
        yield two_stage, folder / model_label("multi_input", seed)
        if seed == contest.seeds[0]:
            yield replace(plan, name="gru"), folder / model_label("gru", seed)
            yield replace(plan, name="multi_input", market=recurrent), folder / JOINT


def _ensemble_folder(contest: Contest, name: str, folder: Path) -> Path:
    """With the seeds in its name: a run may go on with more of them."""
    return folder / f"{ensemble_label(name)}-{'-'.join(str(seed) for seed in contest.seeds)}"


def _fixed_folder(contest: Contest, label: str, folder: Path) -> Path:
    for name in ENSEMBLES if contest.ensembles else ():
        if label == ensemble_label(name):
            return _ensemble_folder(contest, name, folder)
    return folder / label


def _refit_folder(contest: Contest, folder: Path, day: np.datetime64) -> Path:
    return folder / f"{_fixed_folder(contest, contest.refitted, folder).name}{REFIT}" / str(day)


def add_models(
    contest: Contest, cells: pd.DataFrame, panel: Panel, folder: Path, fold: Fold | None
) -> pd.DataFrame:
    """Put the models that are fitted in ``folder`` on the cells: a column a model, and its quantiles.

    Args:
        contest: Who takes part.
        cells: Of a region.
        panel: Its charts.
        folder: Of the fold.
        fold: For the model that is trained on as well, and days 2 to 7 as the service gives them; None for
            neither.
    """
    folders = {label: _fixed_folder(contest, label, folder) for label in contest.fixed}
    forecasters = {label: start_bundle(bundle).forecaster for label, bundle in folders.items()}
    cells = add_forecasts(cells, panel, forecasters)
    if fold is None:
        return cells
    cells = move_forecasts(cells, panel, forecasters, fold.first)
    return _add_refitted(contest, cells, panel, folder, fold)


def _add_refitted(
    contest: Contest, cells: pd.DataFrame, panel: Panel, folder: Path, fold: Fold
) -> pd.DataFrame:
    """Each cell by the weights of its day: before the first month those that were never trained on."""
    label, days = contest.refitted + REFIT, months(fold)
    bundles = [_fixed_folder(contest, contest.refitted, folder)]
    bundles += [_refit_folder(contest, folder, day) for day in days]
    since = np.searchsorted(np.array(days), cells["date"].to_numpy().astype("datetime64[D]"), side="right")
    parts = []
    for i, bundle in enumerate(bundles):
        if (since == i).any():
            forecasters = {label: start_bundle(bundle).forecaster}
            part = add_forecasts(cells[since == i], panel, forecasters)
            parts.append(move_forecasts(part, panel, forecasters, fold.first))
    return pd.concat(parts).sort_index()
