"""The baseline's intervals come from its own past misses."""

import numpy as np
import pytest

from app.forecasting.baseline_intervals import (
    PRIOR,
    QUANTILE_LEVELS,
    SCORED_DAYS,
    chart_weekday_residuals,
    days_read,
    residual_quantiles,
)
from app.forecasting.market import WEEKS
from app.forecasting.rolling import MAX_HORIZON
from tests.panels import build_long_panel


@pytest.mark.parametrize("horizon", [1, 3, 7, 8, 14, 20, 28])
def test_residuals_are_the_log_of_actual_over_the_baseline_as_of_its_own_day(horizon: int) -> None:
    streams = build_long_panel().streams[:, 480 - days_read(horizon) :][:, : days_read(horizon)]
    n_days, scored = streams.shape[1], SCORED_DAYS
    logs = np.log(streams)

    def step(day: int) -> float:
        moves = logs[:, day + horizon] - logs[:, day]
        return float(np.nanmedian(moves)) if np.isfinite(moves).any() else np.nan

    expected: list[float] = []
    for target in range(n_days - scored, n_days):
        cutoff = target - horizon
        known_weeks = [k for k in range(1, 20) if horizon - 7 * k <= 0][:WEEKS]
        weeks = [step(cutoff - 7 * k) for k in known_weeks]
        known = [week for week in weeks if np.isfinite(week)]
        residuals = logs[:, target] - logs[:, cutoff] - np.median(known)
        expected.extend(residuals[np.isfinite(residuals)])
    found = chart_weekday_residuals(streams, horizon, scored_days=scored)
    np.testing.assert_allclose(np.sort(found), np.sort(expected), atol=1e-12)


def test_no_streams_and_too_short_a_past_make_no_residual() -> None:
    assert len(chart_weekday_residuals(np.full((3, 40), np.nan), 1)) == 0
    assert len(chart_weekday_residuals(np.zeros((3, 40)), 1)) == 0
    assert len(chart_weekday_residuals(np.ones((3, 1)), 1)) == 0


def test_too_few_residuals_give_the_prior() -> None:
    expected = [PRIOR[2][level] for level in QUANTILE_LEVELS]
    np.testing.assert_array_equal(residual_quantiles(np.zeros(38), 2, QUANTILE_LEVELS), expected)
    np.testing.assert_array_equal(residual_quantiles(np.empty(0), 2, QUANTILE_LEVELS), expected)


def test_ranks_are_rounded_outwards() -> None:
    ordered = np.arange(1.0, 40.0)  # the 39 that the outermost level wants at least
    random = np.random.Generator(np.random.PCG64(1))
    found = residual_quantiles(random.permutation(ordered), 1, QUANTILE_LEVELS)
    np.testing.assert_array_equal(found, [1, 4, 10, 30, 36, 39])
    np.testing.assert_array_equal(residual_quantiles(np.arange(1.0, 51.0), 1, (0.1, 0.9)), [5, 46])


def test_quantiles_exist_for_any_number_of_residuals() -> None:
    for n in range(39, 600):
        found = residual_quantiles(np.arange(float(n)), 1, QUANTILE_LEVELS)
        assert (np.diff(found) > 0).all()


def test_the_prior_is_there_for_every_day_and_grows_no_narrower_from_week_to_week() -> None:
    assert sorted(PRIOR) == list(range(1, MAX_HORIZON + 1))
    for horizon in range(8, MAX_HORIZON + 1):
        for level in QUANTILE_LEVELS:
            assert abs(PRIOR[horizon][level]) >= abs(PRIOR[horizon - 7][level])
