"""Conformal intervals around naive: by hand for one cell, and right on average where nothing changes."""

import numpy as np
import pytest

from app.forecasting.baseline_intervals import QUANTILE_LEVELS, SCORED_DAYS, residual_quantiles
from tests.panels import build_long_panel, build_panel_of, with_streams
from training.backtest import build_cells
from training.coverage import summarise_intervals
from training.rivals.conformal_naive import add_conformal_naive


def test_a_cells_quantiles_are_those_of_the_last_sixty_days_misses() -> None:
    panel = build_long_panel()
    cells = add_conformal_naive(build_cells(panel, panel.days[490], panel.days[495], [1, 3]), panel)
    cell = cells[(cells["cutoff"] == 493) & (cells["horizon"] == 3)].iloc[0]
    misses = [
        np.log(panel.streams[track, day] / panel.streams[track, day - 3])
        for day in range(493 - SCORED_DAYS + 1, 494)
        for track in range(len(panel.track_ids))
    ]
    known = np.array([miss for miss in misses if np.isfinite(miss)])
    expected = cell["naive"] * np.exp(residual_quantiles(known, 3, QUANTILE_LEVELS))
    np.testing.assert_allclose([cell[f"naive@{level}"] for level in QUANTILE_LEVELS], expected)


def test_they_cover_what_they_say_where_the_days_to_come_are_as_those_before() -> None:
    random = np.random.Generator(np.random.PCG64(2))
    panel = build_panel_of(np.exp(9 + np.cumsum(random.normal(0, 0.1, (40, 200)), axis=1)))
    cells = add_conformal_naive(build_cells(panel, panel.days[100], panel.days[198], [1]), panel)
    levels = summarise_intervals(cells, ["naive"])["methods"]["naive"]
    for level in ("50", "80", "95"):
        assert levels[level]["coverage"] == pytest.approx(float(level), abs=2)


def test_they_see_nothing_after_the_cutoff() -> None:
    panel = build_long_panel()
    streams = panel.streams.copy()
    streams[:, 491:] = np.nan_to_num(streams[::-1, 491:]) * 3 + 1
    columns = [f"naive@{level}" for level in QUANTILE_LEVELS]
    one, other = (
        add_conformal_naive(build_cells(p, p.days[490], p.days[490], [1, 7]), p)[columns]
        for p in (panel, with_streams(panel, streams))
    )
    np.testing.assert_array_equal(one, other)
