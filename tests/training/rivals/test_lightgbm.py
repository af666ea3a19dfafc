"""LightGBM learns what there is to learn, from its fold's days alone, the same every time."""

from pathlib import Path

import numpy as np
import pytest

from tests.panels import build_panel_of, with_streams
from training.folds import Fold
from training.panel import Panel
from training.rivals.lightgbm import Boosters, BoostingSettings, fit_boosters, load_boosters, save_boosters

TRAINED, VALIDATED = 109, 119
SMALL = BoostingSettings(
    grid=(
        {"num_leaves": 7, "min_child_samples": 10, "learning_rate": 0.3},
        {"num_leaves": 2, "min_child_samples": 400, "learning_rate": 1e-6},
    ),
    rounds=40,
    patience=10,
)


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Twenty tracks; what one gains beyond the market on a day, it loses on the next."""
    random = np.random.Generator(np.random.PCG64(1))
    noise = random.normal(0, 0.2, (20, 140))
    return build_panel_of(np.exp(10 + np.arange(20)[:, None] / 10 + noise))


@pytest.fixture(scope="module")
def fold(panel: Panel) -> Fold:
    """Three weeks of test."""
    days = panel.days
    return Fold("small", days[TRAINED], days[VALIDATED], days[VALIDATED], days[-2])


@pytest.fixture(scope="module")
def boosters(panel: Panel, fold: Fold) -> Boosters:
    """Fitted once."""
    return fit_boosters([panel], fold, SMALL)


def _cells(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    tracks, days = np.nonzero(np.isfinite(panel.streams[:, VALIDATED : VALIDATED + 10]))
    return tracks, days + VALIDATED


def test_it_beats_the_naive_forecast_where_there_is_something_to_learn(
    boosters: Boosters, panel: Panel
) -> None:
    tracks, cutoffs = _cells(panel)
    forecasts = boosters.forecast(panel, tracks, cutoffs)
    assert forecasts.shape == (len(tracks), 7)
    for horizon in (1, 7):
        actual, last = panel.streams[tracks, cutoffs + horizon], panel.streams[tracks, cutoffs]
        error = np.abs(forecasts[:, horizon - 1] - actual).mean()
        assert error < 0.95 * np.abs(last - actual).mean()


def test_the_settings_that_do_best_on_validation_are_taken_and_the_others_on_record(
    boosters: Boosters,
) -> None:
    tried = boosters.tuning["tried"]
    assert boosters.tuning["chosen"] == 0
    assert tried[0]["validation_loss"] < tried[1]["validation_loss"]
    assert len(boosters.tuning["rounds"]) == len(boosters.boosters) == 7


def test_the_same_fit_gives_the_same_forecasts_and_so_does_what_was_kept(
    boosters: Boosters, panel: Panel, fold: Fold, tmp_path: Path
) -> None:
    expected = boosters.forecast(panel, *_cells(panel))
    np.testing.assert_array_equal(
        fit_boosters([panel], fold, SMALL).forecast(panel, *_cells(panel)), expected
    )
    save_boosters(boosters, tmp_path / "kept")
    kept = load_boosters(tmp_path / "kept")
    np.testing.assert_allclose(kept.forecast(panel, *_cells(panel)), expected, rtol=1e-9)
    assert kept.tuning == boosters.tuning


def test_it_learns_nothing_from_days_after_the_validation_period(
    boosters: Boosters, panel: Panel, fold: Fold
) -> None:
    streams = panel.streams.copy()
    streams[:, VALIDATED + 1 :] = 7.0
    again = fit_boosters([with_streams(panel, streams)], fold, SMALL)
    expected = boosters.forecast(panel, *_cells(panel))
    np.testing.assert_array_equal(again.forecast(panel, *_cells(panel)), expected)


def test_a_period_without_targets_is_refused(panel: Panel) -> None:
    streams = panel.streams.copy()
    streams[:, TRAINED + 1 : VALIDATED + 1] = np.nan
    days = panel.days
    fold = Fold("empty", days[TRAINED], days[VALIDATED], days[VALIDATED], days[-2])
    with pytest.raises(ValueError, match="there is no target after"):
        fit_boosters([with_streams(panel, streams)], fold, SMALL)
