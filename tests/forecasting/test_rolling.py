"""Days that are forecast, taken as if they had come: histories and the market roll on with them."""

import numpy as np

from app.forecasting.rolling import MAX_HORIZON, days_at_a_time, extend_market, roll_chart, roll_history
from tests.forecasting.stand_in import CUTOFF, FORECASTER, SPEC
from tests.panels import build_long_panel
from training.recursion import long_calendar


def test_a_rolled_history_is_the_one_that_there_would_be() -> None:
    panel = build_long_panel()
    tracks = np.flatnonzero(np.isfinite(panel.streams[:, CUTOFF]))
    before, after = (
        panel.history(tracks, np.full(len(tracks), cutoff), FORECASTER.grid_length)
        for cutoff in (CUTOFF, CUTOFF + 7)
    )
    rolled = roll_history(before, after.streams[:, -7:])
    for name in ("cutoffs", "streams", "observed_before", "first_days"):
        np.testing.assert_array_equal(getattr(rolled, name), getattr(after, name))
    np.testing.assert_array_equal(rolled.positions[:, :-7], after.positions[:, :-7])
    np.testing.assert_array_equal(rolled.positions[:, -1], panel.positions[tracks, CUTOFF])
    assert (rolled.companions[:, -7:, 1] == 0).all()


def test_a_market_goes_on_as_it_is_told_and_its_smallest_streams_with_it() -> None:
    market = build_long_panel().market
    extended = extend_market(market, np.array([0.1, -0.3]))
    assert extended.days[-1] == market.days[-1] + 2
    np.testing.assert_allclose(extended.movement[-2:], np.exp([0.1, -0.3]))
    np.testing.assert_allclose(extended.threshold[-2:], market.threshold[-1] * np.exp([0.1, -0.2]))
    np.testing.assert_array_equal(extended.movement[:-2], market.movement)


def test_the_market_rolls_on_with_the_chart_and_without_one_stands_still() -> None:
    panel = build_long_panel()
    tracks = np.flatnonzero(np.isfinite(panel.streams[:, -1]))
    history = panel.history(tracks, np.full(len(tracks), len(panel.days) - 1), FORECASTER.grid_length)
    for chart in (history, history.part(slice(0))):
        rolled = roll_chart(FORECASTER, chart, panel.market, long_calendar(panel), (7, 7)).market
        assert len(rolled) == len(panel.days) + 14
        ahead = rolled.movement[len(panel.days) :]
        expected = np.zeros(7)
        if len(chart):
            medians = np.log(FORECASTER.forecast(chart, panel.covariates).median)
            last = np.log(panel.streams[tracks, -1])[:, None]
            expected = np.median(np.diff(medians, axis=1, prepend=last), axis=0)
        np.testing.assert_allclose(ahead[:7], expected, atol=1e-12)
        assert bool(ahead.any()) == bool(len(chart))


def test_the_first_week_rolls_on_a_day_at_a_time_and_the_others_week_by_week() -> None:
    steps = days_at_a_time(SPEC)
    assert steps == (1, 1, 1, 1, 1, 1, 1, 7, 7)
    assert sum(steps) == MAX_HORIZON - SPEC.horizon  # the last week is forecast from them, and adds none


def test_what_a_market_is_on_a_day_ahead_does_not_go_by_how_far_it_is_rolled_on() -> None:
    panel = build_long_panel()
    tracks = np.flatnonzero(np.isfinite(panel.streams[:, -1]))
    history = panel.history(tracks, np.full(len(tracks), len(panel.days) - 1), FORECASTER.grid_length)
    near, far = (
        roll_chart(FORECASTER, history, panel.market, long_calendar(panel), steps).market
        for steps in ((1, 1), days_at_a_time(SPEC))
    )
    np.testing.assert_allclose(near.table[:-1], far.table[: len(near)], atol=1e-6)
    np.testing.assert_allclose(near.movement, far.movement[: len(near)])


def test_over_its_last_days_alone_a_market_makes_the_same_forecast() -> None:
    panel = build_long_panel()
    tracks = np.flatnonzero(np.isfinite(panel.streams[:, -1]))
    history = panel.history(tracks, np.full(len(tracks), len(panel.days) - 1), FORECASTER.grid_length)
    whole = panel.covariates
    last = whole.last(FORECASTER.grid_length)
    assert len(last) == FORECASTER.grid_length
    assert last.first_day == panel.days[-FORECASTER.grid_length]
    found, expected = (FORECASTER.forecast(history, market).quantiles for market in (last, whole))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert len(whole.last(10_000)) == len(whole)
    assert whole.last(10_000).first_day == whole.first_day
