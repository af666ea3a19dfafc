"""Scaling and windows: what a model may see."""

import numpy as np
import pytest

from tests.training.paper.charts import SMALL, build_small_chart
from training.paper.matrix import SongMatrix, build_matrix
from training.paper.remakes import build_task
from training.paper.scaling import MinMax, fit_scales
from training.paper.windows import cut_windows

VALUES = np.arange(12.0).reshape(6, 2)


def test_a_window_is_the_days_before_its_target() -> None:
    windows = cut_windows(VALUES, 2, 3, 5)
    assert windows.inputs.tolist() == [[[2, 3], [4, 5]], [[4, 5], [6, 7]]]
    assert windows.targets.tolist() == [[6, 7], [8, 9]]


def test_a_target_without_enough_days_before_it_is_refused() -> None:
    with pytest.raises(ValueError, match="no 3 days before it"):
        cut_windows(VALUES, 3, 2, 5)


def test_pooled_samples_keep_each_song_with_its_own_target() -> None:
    pooled = cut_windows(VALUES, 2, 3, 5).pooled()
    assert pooled.inputs[:, :, 0].tolist() == [[2, 4], [3, 5], [4, 6], [5, 7]]
    assert pooled.targets.tolist() == [[6], [7], [8], [9]]


def test_scaling_is_undone() -> None:
    scale = MinMax.fit(np.array([[2.0, 5.0], [4.0, 5.0]]))
    assert scale.scale(np.array([2.0, 5.0])).tolist() == [0.0, 0.0]
    assert scale.scale(np.array([4.0, 6.0])).tolist() == [
        1.0,
        1.0,
    ]  # a song that never moved: no division by 0
    assert scale.unscale(scale.scale(VALUES)) == pytest.approx(VALUES)


def test_each_way_of_fitting_the_scale_looks_where_it_says() -> None:
    streams = np.array([[0.0], [10.0], [4.0], [40.0]])
    highest = {
        on: (
            (scales := fit_scales(streams, 2, on)).training.unscale(np.ones(1)).item(),
            scales.test.unscale(np.ones(1)).item(),
        )
        for on in ("training", "everything", "each part")
    }
    assert highest == {"training": (10, 10), "everything": (40, 40), "each part": (10, 40)}


def _changed_after(matrix: SongMatrix, day: int) -> SongMatrix:
    streams = matrix.streams.copy()
    streams[day:] *= 7
    return SongMatrix(matrix.days, matrix.tracks, streams, matrix.observed)


def test_no_training_window_and_no_scale_sees_the_test_part() -> None:
    matrix = build_matrix(build_small_chart(), n_days=40, min_share=0.9)
    before, after = (
        build_task(one, SMALL, 3) for one in (matrix, _changed_after(matrix, 40 - SMALL.test_days))
    )
    assert np.array_equal(before.training.inputs, after.training.inputs)
    assert np.array_equal(before.training.targets, after.training.targets)
    assert np.array_equal(before.scales.test.span, after.scales.test.span)
    assert not np.array_equal(before.test.targets, after.test.targets)


def test_a_test_window_sees_nothing_from_its_target_on() -> None:
    matrix = build_matrix(build_small_chart(), n_days=40, min_share=0.9)
    target = 40 - SMALL.test_days + 4
    before, after = (build_task(one, SMALL, 3).test for one in (matrix, _changed_after(matrix, target)))
    assert np.array_equal(before.inputs[:5], after.inputs[:5])
    assert not np.array_equal(before.inputs[5], after.inputs[5])


def test_every_lookback_has_the_same_test_targets() -> None:
    matrix = build_matrix(build_small_chart(), n_days=40, min_share=0.9)
    one, seven = (build_task(matrix, SMALL, lookback).test.targets for lookback in (1, 7))
    assert np.array_equal(one, seven)
