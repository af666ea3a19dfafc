"""The baselines, for many cells at once, are what they are for one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.forecasting.history import Floats
from app.forecasting.market import WEEKS, chart_ratio, chart_weekday
from tests.panels import build_panel_of
from training.baselines import (
    chart_weekday_quantiles,
    forecast_chart_weekday,
    forecast_last_week,
    forecast_naive,
)


def _streams(seed: int, n_tracks: int, n_days: int) -> Floats:
    """With absent tracks, entries without streams and days without a chart."""
    random = np.random.Generator(np.random.PCG64(seed))
    streams = random.integers(0, 50, (n_tracks, n_days)).astype(float)
    streams[random.random(streams.shape) < 0.25] = np.nan
    streams[:, random.random(n_days) < 0.1] = np.nan
    streams[:, 0] = 7.0  # a first day, so that no track is absent throughout
    return streams


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 7), st.integers(1, 45), st.integers(1, 28))
def test_chart_weekday_is_the_kernels_cell_by_cell(
    seed: int, n_tracks: int, n_days: int, horizon: int
) -> None:
    streams = _streams(seed, n_tracks, n_days)
    panel = build_panel_of(streams)
    charts = [
        {str(i): int(value) for i, value in enumerate(column) if np.isfinite(value)} for column in streams.T
    ]

    def ratio(later: int, earlier: int) -> float | None:
        return chart_ratio(charts[later], charts[earlier]) if earlier >= 0 else None

    known_weeks = [k for k in range(1, 20) if horizon - 7 * k <= 0][:WEEKS]

    tracks, cutoffs = np.nonzero(np.isfinite(streams))
    found = forecast_chart_weekday(panel, tracks, cutoffs, horizon)
    for i, (track, cutoff) in enumerate(zip(tracks.tolist(), cutoffs.tolist(), strict=True)):
        weeks = [ratio(cutoff + horizon - 7 * k, cutoff - 7 * k) for k in known_weeks]
        assert found[i] == chart_weekday(streams[track, cutoff], weeks)


@pytest.mark.parametrize("horizon", [1, 4, 7, 8, 14, 20, 28])
def test_no_baseline_sees_a_day_after_its_cutoff(horizon: int) -> None:
    streams = _streams(1, 6, 60)
    changed = streams.copy()
    changed[:, 51:] = np.nan_to_num(changed[::-1, 51:]) * 3 + 1
    panels = [build_panel_of(values) for values in (streams, changed)]
    tracks = np.flatnonzero(np.isfinite(streams[:, 50]))
    cutoffs = np.full_like(tracks, 50)
    for forecast in (forecast_chart_weekday, forecast_last_week):
        one, other = (forecast(panel, tracks, cutoffs, horizon) for panel in panels)
        np.testing.assert_array_equal(one, other)


def test_naive_is_the_last_value_and_last_week_the_same_weekday_or_else_the_last_value() -> None:
    streams = np.arange(1.0, 21.0)[None].repeat(2, axis=0)
    streams[1, 14] = np.nan
    panel = build_panel_of(streams)
    tracks, cutoffs = np.array([0, 1, 0]), np.array([19, 19, 3])
    np.testing.assert_array_equal(forecast_naive(panel, tracks, cutoffs), [20, 20, 4])
    np.testing.assert_array_equal(forecast_last_week(panel, tracks, cutoffs, 2), [15, 20, 4])
    np.testing.assert_array_equal(forecast_last_week(panel, tracks, cutoffs, 7), [20, 20, 4])


def test_the_quantiles_of_the_baselines_misses_rise_from_loss_to_gain() -> None:
    random = np.random.Generator(np.random.PCG64(5))
    streams = np.exp(9 + np.cumsum(random.normal(0, 0.1, (30, 60)), axis=1))
    found = chart_weekday_quantiles(build_panel_of(streams), 3)
    values = list(found.values())
    assert list(found) == [0.025, 0.1, 0.25, 0.75, 0.9, 0.975]
    assert values == sorted(values)
    assert values[2] < 0 < values[3]
