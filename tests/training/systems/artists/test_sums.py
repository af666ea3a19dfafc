"""Artists' series, and the growth of those of their tracks that stay."""

from dataclasses import replace

import numpy as np

from tests.panels import build_panel_of
from training.systems.artists.sums import build_growth, build_series, number_everyone

NAN = np.nan
STREAMS = np.array(
    [
        [10.0, 20.0, NAN, 40.0],
        [30.0, NAN, 5.0, 60.0],
        [NAN, 7.0, 8.0, NAN],
    ]
)
PANEL = replace(build_panel_of(STREAMS), artists=np.array([0, 0, -1]))


def test_a_track_of_an_unknown_artist_is_one_of_its_own() -> None:
    assert number_everyone(np.array([2, -1, 0, -1])).tolist() == [2, 3, 0, 4]


def test_a_series_is_the_sum_of_the_tracks_that_chart() -> None:
    np.testing.assert_array_equal(build_series(PANEL), [[40, 20, 5, 100], [NAN, 7, 8, NAN]])


def test_growth_is_of_the_tracks_that_chart_on_both_days() -> None:
    growth = np.exp(build_growth(PANEL, 3))
    np.testing.assert_allclose(growth[0, 0], [20 / 10, 5 / 30, 100 / 40])
    np.testing.assert_allclose(growth[0, 1], [NAN, 40 / 20, NAN])
    np.testing.assert_allclose(growth[1, 1], [8 / 7, NAN, NAN])
