"""Figures against a hand's."""

import numpy as np
import pandas as pd
import pytest

from training.report import summarise, to_markdown

CELLS = pd.DataFrame(
    {
        "actual": [100.0, 200.0, np.nan, 400.0],
        "naive_scale": [10.0, np.nan, 1.0, 4.0],
        "naive": [110.0, 180.0, 5.0, 400.0],
        "last_week": [160.0, 200.0, 5.0, 400.0],
        "chart_weekday": [100.0, 200.0, 5.0, 415.0],
        "lstm": [106.0, 200.0, 9e9, 394.0],
        "lstm@0.025": [80.0, 150.0, 0.0, 300.0],
        "lstm@0.1": [90.0, 190.0, 0.0, 350.0],
        "lstm@0.25": [104.0, 195.0, 0.0, 380.0],
        "lstm@0.75": [109.0, 205.0, 0.0, 399.0],
        "lstm@0.9": [120.0, 210.0, 0.0, 399.0],
        "lstm@0.975": [130.0, 250.0, 0.0, 500.0],
    }
)


def test_figures_are_over_the_cells_with_a_known_target() -> None:
    summary = summarise(CELLS, ["lstm"])
    assert (summary["cells"], summary["censored"]) == (3, 1)
    lstm = summary["methods"]["lstm"]
    assert lstm["mae"] == pytest.approx((6 + 0 + 6) / 3)
    assert lstm["rmse"] == pytest.approx(np.sqrt((36 + 0 + 36) / 3))
    assert lstm["wape"] == pytest.approx(12 / 700)
    assert lstm["mase"] == pytest.approx((6 / 10 + 6 / 4) / 2)  # the second has no scale
    assert lstm["median_percentage_error"] == pytest.approx(1.5)  # of 6, 0 and 1.5
    assert lstm["mae_to_naive"] == pytest.approx(4 / 10)
    assert lstm["mae_to_last_week"] == pytest.approx(4 / 20)
    assert lstm["mae_to_chart_weekday"] == pytest.approx(4 / 5)
    assert summary["methods"]["naive"]["mae_to_naive"] == 1


def test_intervals_cover_what_lies_in_them() -> None:
    summary = summarise(CELLS, ["lstm"])
    lstm = summary["methods"]["lstm"]
    covered = [lstm[f"coverage_{level}"] for level in (50, 80, 95)]
    assert covered == pytest.approx([100 / 3, 200 / 3, 100])
    assert lstm["width_50"] == pytest.approx(np.mean([5 / 106, 10 / 200, 19 / 394]))
    assert "coverage_80" not in summary["methods"]["naive"]


def test_the_table_names_every_method_and_says_in_sample() -> None:
    result = {
        "cutoffs": ["2020-11-01", "2020-12-30"],
        "in_sample": True,
        "regions": {"ph": {"1": summarise(CELLS, ["lstm"]), "2": summarise(CELLS, ["lstm"])}},
    }
    text = to_markdown(result)
    assert "3 forecasts of the next day (1 more left the chart), IN SAMPLE" in text
    assert "| lstm | 4 | 5 | 1.71 | 1.05 | 1.50 | 0.400 | 0.200 | 0.800 | 33.3 | 66.7 | 100.0 |" in text
    assert "| naive | 10 | 13 | 4.29 | 0.50 | 10.00 | 1.000 | 0.500 | 2.000 |  |  |  |" in text
    assert "| lstm | 0.400 | 0.400 |" in text
