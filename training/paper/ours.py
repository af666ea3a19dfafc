"""Our own models and the baselines on the paper's cells, trained on all songs there were by then."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from app.forecasting.history import Floats, Ints
from training.backtest import BASELINES, add_forecasts, build_cells
from training.bundles import start_bundle
from training.fit import FitSettings
from training.panel import Panel
from training.paper.settings import PaperSettings
from training.recipes import Plan, fit_candidate

OURS = ("lstm", "gru", "multi_input")


def forecast_by_our_protocol(panel: Panel, tracks: Ints, settings: PaperSettings) -> dict[str, Floats]:
    """Fit through the day before the test dates; forecast each test date of some tracks from the day before.

    Returns:
        Method -> (test dates, tracks): the baselines, then our models as they would be served. NaN where a
        track did not chart on one of the two days.
    """
    first_cutoff = panel.days[-settings.test_days - 1]
    cells = build_cells(panel, first_cutoff, panel.days[-2], [1])
    cells = cells[cells["track"].isin(tracks) & cells["actual"].notna()]
    with tempfile.TemporaryDirectory() as scratch:
        folders = fit_ours(panel, build_plans(first_cutoff, settings, Path(scratch)))
        forecasters = {name: start_bundle(folder).forecaster for name, folder in folders.items()}
        cells = add_forecasts(cells, panel, forecasters)
    begin = len(panel.days) - settings.test_days
    return {name: _lay_out(cells, name, tracks, begin, settings.test_days) for name in (*BASELINES, *OURS)}


def build_plans(train_through: np.datetime64, settings: PaperSettings, scratch: Path) -> dict[Path, Plan]:
    """The recipes of the served models by the folder to write to; multi_input in two stages on the LSTM."""
    fit_settings = FitSettings(seed=settings.seeds[0], max_epochs=settings.our_epochs)
    return {
        scratch / name: Plan(
            name=name,
            train_through=train_through,
            epochs=settings.our_epochs,
            recurrent=scratch / "lstm" if name == "multi_input" else None,
            settings=fit_settings,
        )
        for name in OURS
    }


def fit_ours(panel: Panel, plans: dict[Path, Plan]) -> dict[str, Path]:
    """Fit them in turn, on all tracks of the chart: name -> the bundle's folder."""
    for folder, plan in plans.items():
        fit_candidate(plan, [panel], folder)
    return {plan.name: folder for folder, plan in plans.items()}


def _lay_out(cells: pd.DataFrame, name: str, tracks: Ints, begin: int, test_days: int) -> Floats:
    forecasts = np.full((test_days, len(tracks)), np.nan)
    order = np.argsort(tracks)
    column = order[np.searchsorted(tracks, cells["track"].to_numpy(), sorter=order)]
    forecasts[cells["cutoff"].to_numpy() + 1 - begin, column] = cells[name].to_numpy()
    return forecasts
