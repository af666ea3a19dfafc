"""Days that are forecast, taken as if they had come: histories and the market roll on with them."""

import numpy as np

from app.forecasting.rolling import MAX_HORIZON, extend_market, roll_history, roll_market
from tests.forecasting.stand_in import CUTOFF, FORECASTER, SPEC, long_calendar
from tests.panels import build_long_panel


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
        rolled = roll_market(FORECASTER, chart, panel.market, long_calendar(panel))
        assert len(rolled) == len(panel.days) + MAX_HORIZON - SPEC.horizon
        ahead = rolled.movement[len(panel.days) :]
        expected = np.zeros(7)
        if len(chart):
            medians = np.log(FORECASTER.forecast(chart, panel.covariates).median)
            last = np.log(panel.streams[tracks, -1])[:, None]
            expected = np.median(np.diff(medians, axis=1, prepend=last), axis=0)
        np.testing.assert_allclose(ahead[:7], expected, atol=1e-12)
        assert bool(ahead.any()) == bool(len(chart))
