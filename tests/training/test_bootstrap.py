"""Intervals of a ratio: exact where nothing varies, wide where few days decide."""

import numpy as np
import pandas as pd
import pytest

from training import bootstrap
from training.bootstrap import bootstrap_ratio


def _cells(errors: np.ndarray) -> pd.DataFrame:
    """Two forecasts a day of 100 streams, one method wrong by ``errors``, the other by 10."""
    days = np.datetime64("2020-01-01", "D") + np.repeat(np.arange(len(errors)), 2)
    return pd.DataFrame(
        {"date": days, "actual": 100.0, "one": 100.0 + np.repeat(errors, 2), "other": 90.0}
    ).sample(frac=1, random_state=1)


def test_a_method_against_itself_is_one_without_doubt() -> None:
    cells = _cells(np.random.Generator(np.random.PCG64(1)).exponential(10, 60))
    assert tuple(bootstrap_ratio(cells, "one", "one")) == pytest.approx((1, 1, 1, 1, 1))


def test_a_method_that_is_half_as_wrong_every_day_is_so_without_doubt() -> None:
    assert tuple(bootstrap_ratio(_cells(np.full(60, 5.0)), "one", "other")) == pytest.approx((0.5,) * 5)


def test_cells_without_a_target_do_not_count() -> None:
    cells = _cells(np.full(60, 5.0))
    left = cells.assign(actual=np.nan, one=1e9)
    assert bootstrap_ratio(pd.concat([cells, left]), "one", "other").ratio == pytest.approx(0.5)


def test_the_interval_holds_the_ratio_and_the_wider_level_is_wider() -> None:
    found = bootstrap_ratio(
        _cells(np.random.Generator(np.random.PCG64(2)).exponential(10, 120)), "one", "other"
    )
    assert found.low_95 < found.low_90 < found.ratio < found.high_90 < found.high_95


def test_the_interval_has_the_width_that_theory_gives_it_for_days_that_have_nothing_in_common() -> None:
    errors = np.random.Generator(np.random.PCG64(3)).exponential(10, 700)
    found = bootstrap_ratio(_cells(errors), "one", "other")
    expected = 2 * 1.645 * errors.std() / 10 / np.sqrt(len(errors))
    assert found.high_90 - found.low_90 == pytest.approx(expected, rel=0.2)


def test_misses_that_last_for_a_week_widen_it_as_single_days_would_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weeks = np.repeat(np.random.Generator(np.random.PCG64(4)).exponential(10, 20), 7)
    blocks = bootstrap_ratio(_cells(weeks), "one", "other")
    monkeypatch.setattr(bootstrap, "BLOCK", 1)
    days = bootstrap_ratio(_cells(weeks), "one", "other")
    assert blocks.high_90 - blocks.low_90 > 1.7 * (days.high_90 - days.low_90)


def test_the_same_cells_give_the_same_interval() -> None:
    cells = _cells(np.random.Generator(np.random.PCG64(5)).exponential(10, 30))
    again = cells.sample(frac=1, random_state=2)
    assert bootstrap_ratio(cells, "one", "other") == pytest.approx(bootstrap_ratio(again, "one", "other"))
