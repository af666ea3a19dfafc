"""A small chart, a fold of it, and models of tracks and of artists that cost no fit."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from app.forecasting.bundle import save_bundle
from app.forecasting.forecaster import Forecaster
from app.forecasting.history import Floats
from tests.panels import build_long_panel
from tests.small_bundles import SPEC, build_small_bundle, small_run
from training.folds import Fold
from training.panel import Panel
from training.systems.artists.trend import TrendSettings, build_trend_model

TRAINED, FIRST, LAST = 340, 420, 444  # indices of days; two of them lack a chart


@pytest.fixture(scope="package")
def long_panel() -> Panel:
    """Ten tracks: of two artists three, of one two, of two unknown ones one each."""
    return replace(build_long_panel(), artists=np.array([0, 0, 0, 1, 1, 1, 2, 2, -1, -1]))


@pytest.fixture(scope="package")
def small_fold(long_panel: Panel) -> Fold:
    """Of the long panel."""
    days = long_panel.days
    return Fold("1", days[TRAINED], days[FIRST], days[FIRST], days[LAST])


@pytest.fixture(scope="package")
def bundle(small_fold: Fold, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that learned from nothing, which says that it learned from the fold's days."""
    folder = tmp_path_factory.mktemp("bundle") / "fold-1"
    small = build_small_bundle(answer=0.0, spread=1.0)
    save_bundle(replace(small, trained_through=str(small_fold.train_through)), folder, {})
    return folder


@pytest.fixture(scope="package")
def tracks() -> Forecaster:
    """What forecasts single tracks."""
    return Forecaster(SPEC, small_run(0.0, 1.0))


@pytest.fixture(scope="package")
def trend() -> Any:
    """A plain LSTM with random weights."""
    keras.utils.set_random_seed(5)
    model = build_trend_model(TrendSettings(units=4))
    head = model.get_layer("ahead")
    head.set_weights([0.3 * np.ones_like(head.get_weights()[0]), head.get_weights()[1]])
    return model


def shuffle_after(panel: Panel, cutoff: int) -> Panel:
    """The same chart with other streams on every day after one."""
    streams: Floats = panel.streams.copy()
    later = streams[:, cutoff + 1 :]
    random = np.random.Generator(np.random.PCG64(6))
    streams[:, cutoff + 1 :] = random.permutation(3 * later.ravel() + 1).reshape(later.shape)
    return replace(panel, streams=streams)
