"""The first week is the direct forecast, drawn towards what the model says one day at a time."""

import numpy as np
import pytest

from app.forecasting.forecaster import Batch, Forecast, Forecaster
from app.forecasting.history import History
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.recursion import SHARE, blend_with_recursive, forecast_day_by_day
from app.forecasting.rolling import roll_chart, roll_history
from tests.forecasting.stand_in import CUTOFF, FORECASTER, SPEC
from tests.panels import build_long_panel, build_panel_of
from training.panel import Panel
from training.recursion import long_calendar


def _start(panel: Panel, cutoff: int, forecaster: Forecaster) -> tuple[History, MarketCovariates, Forecast]:
    """Of the tracks that charted lately: their histories, the market rolled on, the direct forecast."""
    known = panel.until(panel.days[cutoff])
    tracks = np.flatnonzero(np.isfinite(known.streams[:, -28:]).any(axis=1))
    history = known.history(tracks, np.full(len(tracks), cutoff), forecaster.grid_length)
    rolled = roll_chart(forecaster, history, known.market, long_calendar(known), (1,) * 6)
    return history, rolled.market, forecaster.forecast(history, known.covariates)


@pytest.fixture(scope="module")
def start() -> tuple[History, MarketCovariates, Forecast]:
    return _start(build_long_panel(), CUTOFF, FORECASTER)


def test_the_first_day_and_those_not_asked_for_are_the_direct_ones_to_the_bit(
    start: tuple[History, MarketCovariates, Forecast],
) -> None:
    history, market, direct = start
    for horizon in (1, 4, 7):
        found = blend_with_recursive(FORECASTER, history, market, direct, horizon).quantiles
        np.testing.assert_array_equal(found[:, 0], direct.quantiles[:, 0])
        np.testing.assert_array_equal(found[:, horizon:], direct.quantiles[:, horizon:])


def test_a_day_is_the_same_however_many_are_asked_for(
    start: tuple[History, MarketCovariates, Forecast],
) -> None:
    week = blend_with_recursive(FORECASTER, *start, 7).quantiles
    for horizon in (2, 5):
        found = blend_with_recursive(FORECASTER, *start, horizon).quantiles
        np.testing.assert_array_equal(found[:, :horizon], week[:, :horizon])


def test_medians_lie_two_thirds_of_the_way_to_the_forecast_made_day_by_day(
    start: tuple[History, MarketCovariates, Forecast],
) -> None:
    history, market, direct = start
    found = blend_with_recursive(FORECASTER, history, market, direct, 7)
    for day in range(7):
        recursive = FORECASTER.forecast(history, market).median[:, :1]
        expected = (1 - SHARE) * np.log(direct.median[:, day]) + SHARE * np.log(recursive[:, 0])
        if day:
            np.testing.assert_allclose(np.log(found.median[:, day]), expected)
            assert np.abs(recursive[:, 0] / direct.median[:, day] - 1).max() > 0.01
        history = roll_history(history, recursive)


def test_quantiles_go_with_their_median(start: tuple[History, MarketCovariates, Forecast]) -> None:
    direct = start[2]
    found = blend_with_recursive(FORECASTER, *start, 7)
    np.testing.assert_allclose(
        found.quantiles / found.median[:, :, None], direct.quantiles / direct.median[:, :, None]
    )


@pytest.mark.parametrize("streams", [0.0, 1.0, 5e4, 1e12])
def test_one_day_of_history_is_enough(streams: float) -> None:
    panel = build_panel_of(np.full((3, 1), streams))
    found = blend_with_recursive(FORECASTER, *_start(panel, 0, FORECASTER), 7).quantiles
    assert np.isfinite(found).all()
    assert (found >= 0).all()


@pytest.mark.parametrize("answer", [3e38, -3e38, np.inf, -np.inf])
def test_absurd_answers_still_make_a_forecast(answer: float) -> None:
    def run(batch: Batch) -> np.ndarray:
        outputs = np.zeros((len(batch["covariates"]), SPEC.horizon, len(SPEC.quantile_levels)), np.float32)
        outputs[:, :, 3:] = answer
        return outputs

    absurd = Forecaster(SPEC, run)
    found = blend_with_recursive(absurd, *_start(build_long_panel(), CUTOFF, absurd), 7).quantiles
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (np.diff(found, axis=2) >= 0).all()


def test_of_a_whole_chart_the_recursive_forecast_is_what_its_market_was_rolled_on_by() -> None:
    panel = build_long_panel().until(build_long_panel().days[CUTOFF])
    tracks = np.flatnonzero(np.isfinite(panel.streams[:, CUTOFF]))
    chart = panel.history(tracks, np.full(len(tracks), CUTOFF), FORECASTER.grid_length)
    rolled = roll_chart(FORECASTER, chart, panel.market, long_calendar(panel), (1,) * 7)
    first = FORECASTER.forecast(chart, panel.covariates).median[:, :1]
    found = forecast_day_by_day(FORECASTER, chart, rolled.market, first, 7)
    np.testing.assert_allclose(found, rolled.medians, rtol=1e-6)


def test_a_model_that_knows_metadata_says_of_new_tracks_what_it_says_at_once() -> None:
    streams = 1e4 * np.exp(0.1 * np.random.Generator(np.random.PCG64(1)).normal(size=(4, 60)).cumsum(axis=1))
    streams[0, :-6], streams[1, :-7] = np.nan, np.nan  # with 6 and 7 observed days
    panel = build_panel_of(streams)
    knowing = Forecaster(SPEC.with_metadata(), FORECASTER.run)
    plain, known = (
        blend_with_recursive(forecaster, history, market, direct, 7).quantiles / direct.quantiles
        for forecaster in (FORECASTER, knowing)
        for history, market, direct in [_start(panel, 59, forecaster)]
    )
    assert (known[0] == 1).all()
    np.testing.assert_allclose(known[1:], plain[1:])
    assert (plain[:, 1:] != 1).all()
