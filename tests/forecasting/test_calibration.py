"""Intervals are stretched until they hold what they say they hold."""

import numpy as np
import pytest

from app.forecasting.baseline_intervals import SCORED_DAYS
from app.forecasting.calibration import (
    SMALLEST_GAP,
    Scores,
    calibrate,
    find_groups,
    fit_factors,
    score_quantiles,
    stretch,
)
from app.forecasting.forecaster import Forecast
from app.forecasting.history import Floats
from app.forecasting.residuals import POINTS, Residuals, read_residuals, sketch

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
NORMAL = np.array([-1.96, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.96])


def _random(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def _scores(values: Floats, *, group: int = 3, days: int = SCORED_DAYS, horizon: int = 1) -> Scores:
    """The same score for every bound, spread over the days."""
    n = len(values)
    table = np.repeat(values[:, None], len(LEVELS) - 1, axis=1)
    return Scores(np.full(n, horizon), np.arange(n) % days, np.full(n, group), table)


def _join(*parts: Scores) -> Scores:
    names = ("horizons", "days", "groups", "values")
    return Scores(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def test_a_score_is_how_far_towards_the_bound_the_actual_fell() -> None:
    logs = np.array([[8.0, 8.5, 9.5, 10.0, 10.5, 12.0, 14.0]])
    np.testing.assert_allclose(score_quantiles(logs, np.array([11.0]), LEVELS)[0, 3:], [2, 0.5, 0.25])
    np.testing.assert_allclose(score_quantiles(logs, np.array([9.0]), LEVELS)[0, :3], [0.5, 1 / 1.5, 2])
    np.testing.assert_allclose(score_quantiles(logs, np.array([11.0]), LEVELS)[0, 0], -0.5)


def test_each_bound_takes_the_finite_sample_rank_of_its_tail() -> None:
    values = _random(1).permutation(np.arange(1.0, 100.0))  # n = 99: rank p (n + 1)
    factors = fit_factors(_scores(values), LEVELS, 1)
    np.testing.assert_array_equal(factors[3, 0], [98, 90, 75, 75, 90, 98])
    values = np.arange(1.0, 62.0)  # n = 61: ranks 60.45, 55.8 and 46.5, rounded up
    np.testing.assert_array_equal(fit_factors(_scores(values), LEVELS, 1)[3, 0], [61, 56, 47, 47, 56, 61])


def test_a_group_too_small_for_a_rank_takes_the_rank_among_all_groups() -> None:
    scores = _join(_scores(np.full(3000, 1.0)), _scores(np.full(39, 5.0), group=0))
    factors = fit_factors(scores, LEVELS, 1)
    assert (factors[0] == 5).all()  # 39 are just enough for the outermost level
    assert (factors[1:] == 1).all()
    scores = _join(_scores(np.full(3000, 1.0)), _scores(np.full(38, 5.0), group=0))
    np.testing.assert_array_equal(fit_factors(scores, LEVELS, 1)[0, 0], [1, 5, 5, 5, 5, 1])


def test_too_few_scores_of_any_group_leave_the_bound_as_the_model_gave_it() -> None:
    factors = fit_factors(_scores(np.full(20, 3.0), days=20), LEVELS, 2)
    assert (factors[:, 0, [0, 5]] == 1).all()
    assert (factors[:, 1] == 1).all()


def test_days_that_lack_count_as_days_on_which_the_bounds_held() -> None:
    factors = fit_factors(_scores(np.full(1500, 3.0), days=15), LEVELS, 1)
    np.testing.assert_allclose(factors[3], 0.25 * 3 + 0.75 * 1)


def test_residuals_fill_the_days_that_lack_and_no_more() -> None:
    residuals = _residuals(np.full((1000, 6), 2.0), per_day=100.0)
    alone = fit_factors(_scores(np.empty(0)), LEVELS, 1, residuals)
    assert (alone == 2).all()
    half = fit_factors(_scores(np.full(3000, 1.0), days=30), LEVELS, 1, residuals)
    assert (half[3] == 2).all()  # half the weight is twice as wide: every upper rank is among them
    full = fit_factors(_scores(np.full(6000, 1.0)), LEVELS, 1, residuals)
    assert (full[3] == 1).all()
    mostly = fit_factors(_scores(np.full(5900, 1.0), days=59), LEVELS, 1, residuals)
    assert (mostly[3] == 1).all()  # a sixtieth lies beyond the outermost rank, a fortieth


def _residuals(values: Floats, per_day: float) -> Residuals:
    points = np.broadcast_to(sketch(values), (4, 7, POINTS, 6))
    return Residuals(points, np.full((4, 7), per_day), np.array([[3.0, 4.0]]))


def test_residuals_travel_in_under_100_kilobytes_and_keep_their_tails() -> None:
    values = np.abs(_random(2).standard_t(3, (12000, 6)))
    residuals = _residuals(values, per_day=200.0)
    noisy = Residuals(
        residuals.points * _random(3).uniform(0.9, 1.1, residuals.points.shape),
        residuals.per_day,
        residuals.errors,
    )
    content = noisy.to_bytes()
    assert len(content) < 100_000
    read = read_residuals(content, horizon=7, bounds=6)
    np.testing.assert_allclose(read.points, noisy.points, rtol=1e-3)
    assert read.error_ratio == 0.75
    exact = np.quantile(values[:, 5], 0.975)
    assert fit_factors(_scores(np.empty(0)), LEVELS, 7, residuals)[3, 6, 5] == pytest.approx(exact, rel=0.05)
    with pytest.raises(ValueError, match="another spec"):
        read_residuals(content, horizon=6, bounds=6)


def test_groups_begin_with_1_2_7_and_28_observed_days() -> None:
    observed = np.array([1, 2, 6, 7, 27, 28, 1000])
    np.testing.assert_array_equal(find_groups(observed), [0, 1, 1, 2, 2, 3, 3])


def test_a_group_is_stretched_by_its_own_factor() -> None:
    logs = np.tile(10 + NORMAL / 10, (2, 7, 1))
    factors = np.ones((4, 7, 6))
    factors[0] = 3.0
    found = np.log(calibrate(Forecast(np.exp(logs), LEVELS), np.array([1, 30]), factors).quantiles)
    np.testing.assert_allclose(found[0], 10 + 3 * NORMAL / 10 * np.ones((7, 1)), rtol=1e-9)
    np.testing.assert_allclose(found[1], logs[1], rtol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_bounds_nest_hold_the_median_and_are_finite_whatever_the_factors(seed: int) -> None:
    random = _random(seed)
    logs = np.sort(random.normal(10, 2, (50, 7, 7)), axis=2)
    logs[:10] = logs[:10, :, :1]  # no width at all
    factors = random.choice([0.0, 0.5, 1.0, 20.0, 1e6], (4, 7, 6))
    raw = Forecast(np.exp(logs), LEVELS)
    calibrated = calibrate(raw, random.integers(1, 60, 50), factors)
    assert np.isfinite(calibrated.quantiles).all()
    assert (calibrated.quantiles >= 0).all()
    assert (np.diff(calibrated.quantiles, axis=2) >= 0).all()
    np.testing.assert_allclose(calibrated.median, raw.median)


def test_a_forecast_of_no_streams_stays_finite() -> None:
    raw = Forecast(np.zeros((1, 7, 7)), LEVELS)
    found = calibrate(raw, np.array([5]), np.full((4, 7, 6), 2.0)).quantiles
    assert np.isfinite(found).all()
    assert (found < 1e-9).all()


def test_a_bound_on_top_of_the_median_scores_within_limits_and_can_be_stretched() -> None:
    flat = np.full((1, 7), 10.0)
    assert np.abs(score_quantiles(flat, np.array([10.5]), LEVELS)).max() == pytest.approx(0.5 / SMALLEST_GAP)
    np.testing.assert_allclose(stretch(flat, np.full((1, 6), 500.0), LEVELS)[0, [0, 6]], [9.5, 10.5])


def test_intervals_hold_on_a_series_whose_noise_grows_and_differs_by_group() -> None:
    """The model thinks every track alike and half as noisy as it is; calm to stormy half-way."""
    random = _random(7)
    n_days, tracks = 240, 80
    observed = np.where(np.arange(tracks) < 20, 3, 50)
    spread = np.where(observed == 3, 0.3, 0.1) * np.where(np.arange(n_days) < 90, 1.0, 2.0)[:, None]
    common = random.normal(0, 0.3, (n_days, 1))  # in units of the spread: what a day has for all
    actual = 10 + spread * (common + random.normal(0, 1, (n_days, tracks)))
    raw = np.broadcast_to(10 + 0.05 * NORMAL, (tracks, 7))
    inside = []
    for day in range(150, n_days):
        past = actual[day - SCORED_DAYS : day]
        scores = Scores(
            np.ones(past.size, dtype=np.int64),
            np.repeat(np.arange(SCORED_DAYS), tracks),
            np.tile(find_groups(observed), SCORED_DAYS),
            np.concatenate([score_quantiles(raw, values, LEVELS) for values in past]),
        )
        forecast = Forecast(np.exp(raw)[:, None], LEVELS)
        held = np.log(calibrate(forecast, observed, fit_factors(scores, LEVELS, 1)).quantiles[:, 0])
        today = actual[day][:, None]
        inside.append((held[:, [2, 1, 0]] <= today) & (today <= held[:, [4, 5, 6]]))
    coverage = np.stack(inside)  # (days, tracks, intervals)
    np.testing.assert_allclose(coverage.mean(axis=(0, 1)), [0.5, 0.8, 0.95], atol=0.02)
    for group in (3, 50):
        of_group = coverage[:, observed == group].mean(axis=(0, 1))
        np.testing.assert_allclose(of_group, [0.5, 0.8, 0.95], atol=0.04)
