"""Intervals of sums, between those of independent errors and of errors that all tracks share."""

import numpy as np
import pytest

from app.forecasting.sum_intervals import CORRELATIONS, combine_distances, correlation_of


@pytest.mark.parametrize(("correlation", "expected"), [(0.0, 5.0), (1.0, 7.0), (0.5, np.sqrt(37.0))])
def test_distances_combine_by_how_much_tracks_share(correlation: float, expected: float) -> None:
    assert combine_distances(np.array([3.0, 4.0]), correlation) == pytest.approx(expected)


def test_a_single_track_keeps_its_own_interval() -> None:
    distances = np.array([[[3.0, 4.0], [5.0, 6.0]]])
    np.testing.assert_allclose(combine_distances(distances, 0.3), distances[0])


def test_the_combined_distance_is_what_equally_correlated_normal_errors_have() -> None:
    random = np.random.Generator(np.random.PCG64(5))
    scales = np.array([1.0, 2.0, 4.0])
    common, own = random.normal(size=(200_000, 1)), random.normal(size=(200_000, 3))
    errors = scales * (np.sqrt(0.4) * common + np.sqrt(0.6) * own)
    assert errors.sum(axis=1).std() == pytest.approx(combine_distances(scales, 0.4), rel=0.01)


def test_every_day_ahead_has_a_correlation_and_days_past_the_last_take_its() -> None:
    assert all(0 <= correlation <= 1 for correlation in CORRELATIONS)
    assert [correlation_of(day) for day in range(1, 8)] == list(CORRELATIONS)
    assert correlation_of(28) == CORRELATIONS[-1]
