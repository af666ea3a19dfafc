"""The protocol: every method on the same cells of every fold, each fitted on the fold's own earlier days.

What is fitted is kept in a folder, so that a run that was broken off goes on where it stopped.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from app.forecasting.spec import ForecastSpec
from training.backtest import build_cells
from training.breakdown import add_groups
from training.calibration import WARM_UP, add_calibrated
from training.contest import Contest, model_label
from training.contestants import add_methods, add_statistical, fit_fold
from training.data import fingerprint
from training.folds import Fold
from training.panel import Panel
from training.protocol_figures import summarise_region
from training.protocol_report import to_markdown
from training.shares import ALL, NEW, score_shares, summarise_shares

RUN, FIGURES, TABLES = "run.json", "backtest.json", "backtest.md"
HORIZONS = range(1, 8)


class OtherRunError(Exception):
    """The folder holds what was fitted on other data or in another way."""


def run_protocol(
    contest: Contest, folds: Sequence[Fold], panels: Sequence[Panel], folder: Path
) -> dict[str, Any]:
    """Fit and score all methods on all folds, and write the figures to ``folder`` as JSON and as Markdown.

    Args:
        contest: Who takes part.
        folds: The periods.
        panels: The charts, a panel a region; models learn from all of them.
        folder: Of this run; what is there already is not fitted again.

    Raises:
        OtherRunError: ``folder`` belongs to a run on other data or with other settings.
        ValueError: the charts do not hold a period.
    """
    _claim(folder, contest, panels)
    for fold in folds:
        fit_fold(contest, fold, panels, _folder_of(folder, fold))
    result = {
        "folds": [{name: str(value) for name, value in asdict(fold).items()} for fold in folds],
        "seeds": list(contest.seeds),
        "regions": {panel.region: _score(contest, folds, panel, folder) for panel in panels},
    }
    (folder / FIGURES).write_text(json.dumps(result, indent=2) + "\n")
    (folder / TABLES).write_text(to_markdown(result) + "\n")
    return result


def _claim(folder: Path, contest: Contest, panels: Sequence[Panel]) -> None:
    """Write what the folder is for, or check that it is for this."""
    run = {
        "data": fingerprint(panels),
        "fit": asdict(contest.fit),
        "warm": asdict(contest.warm),
        "boosting": asdict(contest.boosting) if contest.rivals else None,
    }
    run = json.loads(json.dumps(run))
    path = folder / RUN
    if path.exists():
        found = json.loads(path.read_text())
        both = [name for name in run if run[name] is not None and found.get(name) is not None]
        if different := [name for name in both if run[name] != found[name]]:
            raise OtherRunError(f"{folder} is of a run with other {' and '.join(different)}: name another")
        run = {name: found.get(name) or run[name] for name in run}
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run, indent=2) + "\n")


def _folder_of(folder: Path, fold: Fold) -> Path:
    return folder / f"fold-{fold.name}"


def _score(contest: Contest, folds: Sequence[Fold], panel: Panel, folder: Path) -> dict[str, Any]:
    test, validation, sample, shares = [], [], [], []
    for fold in folds:
        of_fold = _folder_of(folder, fold)
        print(f"fold {fold.name}: forecasting {panel.region}", flush=True)
        cells = build_fold_cells(contest, fold, panel, of_fold)
        test.append(cells)
        if contest.rivals:
            sample.append(add_statistical(cells, panel, of_fold))
        chosen_on = build_cells(panel, *fold.validation_cutoffs, [1]).assign(fold=fold.name)
        validation.append(add_methods(contest, chosen_on, panel, of_fold))
        fitted = {name: of_fold / model_label(name, contest.seeds[0]) for name in (ALL, NEW)}
        shares.append(score_shares(panel, fold, fitted))
    print(f"{panel.region}: summing up", flush=True)
    figures = summarise_region(
        contest, pd.concat(test), pd.concat(validation), pd.concat(sample) if sample else None
    )
    return figures | {"shares": summarise_shares(pd.concat(shares))}


def build_fold_cells(contest: Contest, fold: Fold, panel: Panel, folder: Path) -> pd.DataFrame:
    """The cells of a fold's test with every method's forecasts and the groups they belong to.

    The models' intervals are there twice, as the weights give them and (column ``name calibrated@level``) as
    the service would: rolled forward from cutoffs before the fold's, whose targets no weights learned from.
    """
    begin = max(fold.first - np.timedelta64(WARM_UP, "D"), fold.train_through)
    cells = add_methods(contest, build_cells(panel, begin, fold.last, HORIZONS), panel, folder, fold)
    for model in contest.calibrated:
        cells = add_calibrated(cells, model, ForecastSpec(), fold.first)
    cells = cells[cells["date"] >= fold.first]
    return add_groups(cells, panel).assign(fold=fold.name)
