"""Windows cut from stretches are those that histories of their own give, to the bit."""

import numpy as np
import pytest

from app.forecasting.spec import ForecastSpec
from app.forecasting.track_covariates import LEAD_IN
from app.forecasting.windows import build_windows
from tests.panels import DAYS, build_long_panel
from training.cutting import build_windows_at
from training.panel import Panel

ATTRIBUTES = ("covariates", "static", "artist", "log_last", "since_last", "base", "last_base")
LONG_PANEL = build_long_panel()


def _check(panel: Panel, tracks: np.ndarray, cutoffs: np.ndarray, spec: ForecastSpec) -> None:
    found = build_windows_at(panel, tracks, cutoffs, spec)
    history = panel.history(tracks, cutoffs, LEAD_IN + spec.context_length)
    expected = build_windows(history, panel.covariates, spec)
    for name in ATTRIBUTES:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@pytest.mark.parametrize("n_days", [1, 2, 37, 38, 64, 65, 91, 92, 129, DAYS])
@pytest.mark.parametrize("context_length", [1, 28, 80])
def test_they_are_the_same_however_many_days_there_are(n_days: int, context_length: int) -> None:
    panel = LONG_PANEL.until(LONG_PANEL.days[n_days - 1])
    random = np.random.Generator(np.random.PCG64(n_days))
    tracks = random.integers(0, len(panel.track_ids), 100)
    cutoffs = random.integers(0, n_days, 100)
    cutoffs[:2] = 0, n_days - 1
    _check(panel, tracks, cutoffs, ForecastSpec(context_length=context_length).with_metadata())


def test_every_day_of_every_track_has_its_window() -> None:
    tracks, cutoffs = np.nonzero(np.isfinite(LONG_PANEL.streams))
    _check(LONG_PANEL, tracks, cutoffs, ForecastSpec())


def test_one_window_and_none_are_cut_too() -> None:
    _check(LONG_PANEL, np.array([3]), np.array([450]), ForecastSpec())
    none = np.empty(0, dtype=np.int64)
    assert build_windows_at(LONG_PANEL, none, none, ForecastSpec()).covariates.shape == (0, 28, 52)
