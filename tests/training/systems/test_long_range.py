"""The long range's backtest: the service's forecasts, on days that it never saw, blind to what comes."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer

from app.forecasting.calibration import calibrate
from app.forecasting.recursion import blend_with_recursive
from app.forecasting.rolling import MAX_HORIZON
from app.forecasting.spec import ForecastSpec
from tests.forecasting.stand_in import FORECASTER
from tests.panels import build_long_panel, with_streams
from training.folds import Fold
from training.panel import Panel
from training.systems.long_range.backtest import OtherDaysError, start_fold
from training.systems.long_range.cells import (
    EVERY,
    HELD,
    MODEL,
    add_rolled,
    build_long_cells,
    find_origins,
    spread_cutoffs,
)
from training.systems.long_range.choices import PATHS_FED, POINTS, SERVED, measure_stretch
from training.systems.long_range.command import FIGURES, TABLES, run_long_range

LEARNED, FIRST, LAST = 400, 440, 475  # indices of days of the long panel
QUANTILES = [f"{MODEL}@{level}" for level in ForecastSpec().quantile_levels]


@pytest.fixture(scope="module")
def chart() -> Panel:
    """A chart of 520 days."""
    return build_long_panel()


def _roll(chart: Panel) -> pd.DataFrame:
    cells = build_long_cells(chart, spread_cutoffs(chart.days[FIRST], chart.days[LAST]))
    return add_rolled(cells, chart, FORECASTER, chart.days[LEARNED])


@pytest.fixture(scope="module")
def cells(chart: Panel) -> pd.DataFrame:
    """Cells of its later days, with rolled forecasts."""
    return _roll(chart)


def test_all_weekdays_are_cutoffs_and_each_cell_is_a_day_that_is_there(
    chart: Panel, cells: pd.DataFrame
) -> None:
    assert set(cells["date"].dt.day_of_week) == set(range(7))
    assert set(np.diff(np.unique(cells["cutoff"]))) <= {EVERY, 2 * EVERY}  # a day without a chart is none
    assert set(cells["horizon"]) == set(range(1, MAX_HORIZON + 1))
    assert (cells["cutoff"] + cells["horizon"]).max() < len(chart.days)
    assert cells[[*QUANTILES, MODEL, HELD, "average 7", "average 28", "last_week"]].notna().all(axis=None)


def test_moving_averages_are_of_the_observed_days_up_to_the_cutoff(chart: Panel, cells: pd.DataFrame) -> None:
    some = cells.sample(50, random_state=1)
    for n_days in (7, 28):
        expected = [
            np.nanmean(chart.streams[track, cutoff - n_days + 1 : cutoff + 1])
            for track, cutoff in some[["track", "cutoff"]].to_numpy(dtype=int)
        ]
        np.testing.assert_allclose(some[f"average {n_days}"], expected)


def test_the_first_week_is_the_calibrated_forecast_drawn_to_the_recursive_one(
    chart: Panel, cells: pd.DataFrame
) -> None:
    cutoffs = spread_cutoffs(chart.days[FIRST], chart.days[LAST])
    for origin in list(find_origins(chart, FORECASTER, cutoffs, chart.days[LEARNED]))[-2:]:
        direct = FORECASTER.forecast(origin.history, chart.covariates)
        week = blend_with_recursive(FORECASTER, origin.history, origin.market, direct, 7)
        expected = calibrate(week, origin.observed_days, origin.factors)
        of = cells[(cells["cutoff"] == origin.cutoff) & (cells["horizon"] <= 7)]
        rows = np.searchsorted(origin.tracks, of["track"])
        np.testing.assert_array_equal(of[QUANTILES], expected.quantiles[rows, of["horizon"] - 1])


@pytest.mark.parametrize("seed", [1, 2])
def test_shuffling_all_that_comes_after_the_last_cutoff_changes_no_forecast(
    chart: Panel, cells: pd.DataFrame, seed: int
) -> None:
    last = int(cells["cutoff"].max())
    random = np.random.Generator(np.random.PCG64(seed))
    streams = chart.streams.copy()
    later = streams[:, last + 1 :]
    streams[:, last + 1 :] = 3 * random.permuted(later.ravel()).reshape(later.shape)
    again = _roll(with_streams(chart, streams))
    assert not again["actual"].equals(cells["actual"])
    forecasts = [*QUANTILES, MODEL, HELD, "naive", "last_week", "chart_weekday", "average 7", "average 28"]
    pd.testing.assert_frame_equal(again[forecasts], cells[forecasts])


def test_stretch_is_what_makes_an_interval_hold_as_often_as_it_says() -> None:
    random = np.random.Generator(np.random.PCG64(1))
    levels = ForecastSpec().quantile_levels
    normal = np.array([-1.96, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.96])
    n = 30_000
    rows = pd.DataFrame(
        {
            f"{SERVED}@{level}": np.full(n, np.exp(9 + 0.1 * at))
            for level, at in zip(levels, normal, strict=True)
        }
    )
    horizons = 8 + np.arange(n) % 21
    rows = rows.assign(horizon=horizons, actual=np.exp(9 + 0.15 * random.normal(size=n)))
    for of_levels in measure_stretch(rows, levels).values():
        assert list(of_levels.values()) == pytest.approx([1.5] * 3, rel=0.04)


@pytest.fixture(scope="module")
def fold(candidates: Path) -> tuple[Fold, Path]:
    """A fold of the long panel, and a candidate that says it is its own."""
    days = build_long_panel().days
    fold = Fold("1", days[300], days[FIRST], days[FIRST], days[LAST])
    return fold, candidates / "lstm"


def test_the_command_scores_a_fold_and_says_what_the_rolling_was_chosen_by(
    chart: Panel, fold: tuple[Fold, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_fold, _ = fold
    monkeypatch.setattr("training.systems.long_range.backtest.start_fold", lambda *_: FORECASTER)
    monkeypatch.setattr("training.systems.long_range.choices.FED_PATHS", 4)
    short = replace(of_fold, train_through=chart.days[FIRST - 40])
    bundles = [Path("fold-1")]
    scored = run_long_range([short], chart, bundles, tmp_path, choose=False)
    _check_scored(scored)
    assert json.loads((tmp_path / FIGURES).read_text()) == scored
    chosen = run_long_range([short], chart, bundles, tmp_path, choose=True)
    assert set(chosen["to_naive"]["4"]) == {*POINTS, SERVED, PATHS_FED}
    assert set(chosen["dependence"]) == {"market_share", "own_persistence", "market_persistence"}
    assert "every path fed" in (tmp_path / f"choices-{TABLES}").read_text()


def _check_scored(figures: dict[str, Any]) -> None:
    assert figures["cutoffs"] > 5
    assert list(figures["by_day"]) == [str(day) for day in range(1, MAX_HORIZON + 1)]
    last = figures["by_day"]["28"]["methods"]
    assert last["naive"]["mae_to_naive"] == 1
    assert 0 < last[MODEL]["coverage_50"] < last[MODEL]["coverage_95"] <= 100
    assert figures["ratios"]["1 to 7"][HELD]["ratio"] == 1


def test_a_bundle_of_other_days_than_the_folds_is_refused(
    chart: Panel, fold: tuple[Fold, Path], tmp_path: Path
) -> None:
    with pytest.raises(OtherDaysError, match="learned through"):
        start_fold(*fold)
    named = tmp_path / "fold-1"
    named.symlink_to(fold[1])
    with pytest.raises(typer.BadParameter, match="learned through"):
        run_long_range([fold[0]], chart, [named], tmp_path / "out", choose=False)
