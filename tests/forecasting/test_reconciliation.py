"""Coherent forecasts: they add up, whatever the base forecasts said."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.forecasting.history import Floats, Ints
from app.forecasting.reconciliation import Levels, bottom_up, min_trace, shrink, top_down

ARTISTS = np.array([1, 0, 1, 2, 0])
TRACKS = np.array([30.0, 5.0, 12.0, 40.0, 9.0])
SUMMING = np.concatenate([np.ones((1, 5)), np.arange(3)[:, None] == ARTISTS, np.eye(5)])  # (series, tracks)
BASE = Levels(110.0, np.array([20.0, 40.0, 35.0]), TRACKS)


def _random_covariance(seed: int, n: int) -> Floats:
    random = np.random.Generator(np.random.PCG64(seed))
    roots = random.normal(size=(n, n))
    covariance: Floats = roots @ roots.T + 0.1 * np.eye(n)
    return covariance


def _assert_coherent(levels: Levels, artists: Ints) -> None:
    np.testing.assert_allclose(levels.artists, np.bincount(artists, weights=levels.tracks))
    np.testing.assert_allclose(levels.chart, levels.tracks.sum())
    assert (levels.tracks >= 0).all()


def test_from_the_bottom_up_tracks_stay_and_the_rest_are_their_sums() -> None:
    levels = bottom_up(TRACKS, ARTISTS)
    assert levels.artists.tolist() == [14.0, 42.0, 40.0]
    assert levels.chart == 96.0
    assert levels.tracks is TRACKS


def test_from_the_top_down_the_chart_stays_and_shares_are_the_tracks() -> None:
    levels = top_down(48.0, TRACKS, ARTISTS)
    np.testing.assert_allclose(levels.tracks, TRACKS / 2)
    _assert_coherent(levels, ARTISTS)
    np.testing.assert_allclose(top_down(50.0, np.zeros(5), ARTISTS).tracks, 10.0)


def test_minimum_trace_is_the_formula_of_its_paper() -> None:
    covariance = _random_covariance(1, 9)
    inverse = np.linalg.inv(covariance)
    projection = np.linalg.inv(SUMMING.T @ inverse @ SUMMING) @ SUMMING.T @ inverse
    expected = SUMMING @ projection @ BASE.stack()
    levels = min_trace(BASE, ARTISTS, covariance)
    assert (expected > 0).all()  # else the floor of 0 would make them differ
    np.testing.assert_allclose(levels.stack(), expected)


def test_what_is_known_exactly_is_kept() -> None:
    variances = np.array([1e-9, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    np.testing.assert_allclose(min_trace(BASE, ARTISTS, np.diag(variances)).chart, 110.0)
    variances = np.array([1.0, 1.0, 1.0, 1.0, *[1e-9] * 5])
    np.testing.assert_allclose(min_trace(BASE, ARTISTS, np.diag(variances)).tracks, TRACKS)


def test_forecasts_that_add_up_already_stay_as_they_are() -> None:
    base = bottom_up(TRACKS, ARTISTS)
    np.testing.assert_allclose(min_trace(base, ARTISTS, _random_covariance(2, 9)).stack(), base.stack())


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=12),
    st.integers(0, 2**32 - 1),
    st.floats(0, 1),
)
def test_whatever_the_base_forecasts_say_coherent_ones_add_up(
    raw_artists: list[int], seed: int, share: float
) -> None:
    artists = np.unique(raw_artists, return_inverse=True)[1]
    n_artists, n_tracks = int(artists.max()) + 1, len(artists)
    random = np.random.Generator(np.random.PCG64(seed))
    base = Levels(
        float(random.exponential(1e6)), *(random.exponential(1e5, n) for n in (n_artists, n_tracks))
    )
    covariance = shrink(_random_covariance(seed, 1 + n_artists + n_tracks), share)
    ways = (
        bottom_up(base.tracks, artists),
        top_down(base.chart, base.tracks, artists),
        min_trace(base, artists, covariance),
    )
    for levels in ways:
        _assert_coherent(levels, artists)


def test_shrinking_leaves_the_variances() -> None:
    covariance = _random_covariance(3, 4)
    np.testing.assert_array_equal(shrink(covariance, 0.0), covariance)
    np.testing.assert_array_equal(shrink(covariance, 1.0), np.diag(covariance.diagonal()))
    half = shrink(covariance, 0.5)
    assert half[0, 1] == covariance[0, 1] / 2
    assert half[1, 1] == covariance[1, 1]
