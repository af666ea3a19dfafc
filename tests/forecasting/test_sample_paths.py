"""Draws are the same for the same question, a track's own, and spread as they should be."""

from statistics import NormalDist

import numpy as np

from app.forecasting.sample_paths import PATHS, SamplePaths, draw_scores
from app.forecasting.spec import QUANTILE_LEVELS

MIDDLE = QUANTILE_LEVELS.index(0.5)


def test_a_tracks_scores_depend_on_the_track_the_region_and_the_day_and_on_no_other_track() -> None:
    together = draw_scores("ph", "2020-12-30", ["a", "b"], 4)
    assert together.shape == (2, 4, PATHS)
    np.testing.assert_array_equal(draw_scores("ph", "2020-12-30", ["b"], 4)[0], together[1])
    others = [
        draw_scores("us", "2020-12-30", ["a"], 4)[0],
        draw_scores("ph", "2020-12-29", ["a"], 4)[0],
        together[1],
    ]
    for other in others:
        assert not np.array_equal(other, together[0])


def test_scores_of_a_block_are_stratified_and_those_of_two_hang_together_by_chance_alone() -> None:
    scores = draw_scores("ph", "2020-12-30", [str(i) for i in range(300)], 2)
    shares = np.array([NormalDist().cdf(score) for score in np.sort(scores[0, 1])])
    np.testing.assert_allclose(shares, (np.arange(PATHS) + 0.5) / PATHS)
    correlations = [np.corrcoef(track)[0, 1] for track in scores]
    assert abs(np.mean(correlations)) < 0.02
    assert 0.5 < np.std(correlations) * np.sqrt(PATHS) < 1.5


def test_the_first_blocks_paths_have_the_quantiles_that_they_were_drawn_from() -> None:
    gaps = np.array([[-0.9, -0.5, -0.2, 0, 0.3, 0.4, 1.1]])[None] * np.array([1, 2, 3])[:, None]
    found = SamplePaths(draw_scores("ph", "2020-12-30", ["a"], 4), QUANTILE_LEVELS).add(gaps)
    np.testing.assert_allclose(found, gaps, rtol=0.06, atol=0.01)


def test_a_block_goes_on_from_where_each_path_ended() -> None:
    gaps = np.zeros((1, 2, len(QUANTILE_LEVELS)))
    gaps[:, 1] = np.linspace(-1, 1, len(QUANTILE_LEVELS))  # only the last day of the first block is unsure
    paths = SamplePaths(draw_scores("ph", "2020-12-30", ["a"], 2), QUANTILE_LEVELS)
    first = paths.add(gaps)
    second = paths.add(np.zeros_like(gaps))
    np.testing.assert_allclose(second[:, 0], first[:, 1])
    np.testing.assert_allclose(second[:, 1], first[:, 1])
