"""What is scored, and naive beside it."""

import numpy as np
import pytest

from tests.training.paper.charts import build_small_chart, build_streams
from training.paper.cells import build_cells


def test_naive_is_the_day_before_on_the_same_cells() -> None:
    cells = build_cells(build_small_chart(), np.array([3, 2]), 10)
    streams = build_streams()[[3, 2]].T
    assert np.array_equal(cells.actual, streams[-10:])
    assert np.array_equal(cells.naive, streams[-11:-1])
    score = cells.score(cells.naive)
    assert (score["mae"], score["rmse"]) == (score["naive_mae"], score["naive_rmse"])
    assert score["mae_to_naive"] == 1
    assert score["mae"] == pytest.approx(np.abs(streams[-10:] - streams[-11:-1]).mean())


def test_a_filled_day_is_neither_a_target_nor_the_day_before_one() -> None:
    cells = build_cells(build_small_chart(), np.array([0, 2]), 10)
    assert np.flatnonzero(np.isnan(cells.actual[:, 0])).tolist() == [5, 6]
    assert cells.score(np.zeros((10, 2)))["cells"] == 18


def test_a_cell_without_a_forecast_is_an_error_and_not_left_out() -> None:
    cells = build_cells(build_small_chart(), np.array([2]), 10)
    forecasts = cells.naive.copy()
    forecasts[4] = np.nan
    with pytest.raises(ValueError, match="a cell has no forecast"):
        cells.score(forecasts)
