"""Two models are compared on the same cells, and only what is better by more than noise wins."""

from dataclasses import replace

import numpy as np
import pytest

from app.forecasting.forecaster import Forecaster
from tests.panels import build_long_panel
from tests.small_bundles import SPEC, small_run
from training.comparison import HORIZONS, Comparison, compare
from training.panel import Panel

FIRST, LAST = 470, 497
# The small graph adds the last step's first covariate (1: the cutoff is observed) to its answer.
UNBIASED = Forecaster(SPEC, small_run(-1.0))


def _biased(scaled_log_ratio: float) -> Forecaster:
    return Forecaster(SPEC, small_run(-1.0 + scaled_log_ratio))


def _compare(challenger: Forecaster, champion: Forecaster | None, *panels: Panel) -> Comparison:
    panels = panels or (build_long_panel(),)
    days = panels[0].days
    return compare(panels, challenger, champion, first=days[FIRST], last=days[LAST])


def test_a_clearly_better_model_wins_and_the_worse_one_does_not() -> None:
    better, worse = UNBIASED, _biased(3.0)
    won, lost = _compare(better, worse), _compare(worse, better)
    assert won.is_won
    assert not lost.is_won
    assert won.ratio == pytest.approx(1 / lost.ratio)
    assert won.low <= won.ratio <= won.high < 1 < lost.low


def test_the_same_model_does_not_beat_itself() -> None:
    same = _compare(UNBIASED, UNBIASED)
    assert (same.ratio, same.low, same.high, same.week_ratio) == (1, 1, 1, 1)
    assert not same.is_won


def test_noise_is_no_win() -> None:
    close = _compare(UNBIASED, _biased(0.02))
    assert close.low < 1 < close.high
    assert not close.is_won


def test_a_better_next_day_bought_with_worse_later_days_is_no_win() -> None:
    later = np.array([0.0, *[8.0] * 6])[None, :, None]
    lopsided = Forecaster(SPEC, lambda batch: (UNBIASED.run(batch) + later).astype(np.float32))
    comparison = _compare(lopsided, _biased(3.0))
    assert comparison.high < 1 < comparison.week_ratio
    assert not comparison.is_won


def test_without_a_champion_the_baseline_is_to_be_beaten() -> None:
    panel = build_long_panel()
    against = _compare(_biased(3.0), None, panel)
    assert against.low > 1
    assert against.cells > 100
    assert len(HORIZONS) == 7


def test_a_region_counts_by_its_forecasts_not_by_its_streams() -> None:
    panel = build_long_panel()
    large = replace(panel, region="us", streams=panel.streams * 1000)
    one, both = _compare(UNBIASED, _biased(1.0), panel), _compare(UNBIASED, _biased(1.0), panel, large)
    assert both.ratio == pytest.approx(one.ratio, rel=1e-3)
    assert both.by_region == pytest.approx({"ph": one.ratio, "us": one.ratio}, rel=1e-3)
    assert both.cells == 2 * one.cells
