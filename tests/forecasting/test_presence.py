"""A row of presence: made from the past alone, relative, and what the model's answers to it mean."""

from dataclasses import replace

import numpy as np
import pytest

from app.forecasting.market_covariates import HORIZON
from app.forecasting.presence import (
    CHART_DAYS,
    CHART_STATE,
    GRID_LENGTH,
    INPUTS,
    LINES,
    OUTPUTS,
    TOP,
    build_chart_state,
    build_rows,
    read_outputs,
    scale_ranks,
    unscale_ranks,
)
from tests.panels import build_long_panel, every_track, with_streams
from training.panel import Panel

CUTOFF = 470  # tracks that are on the chart, that left it, that are back, and days without a chart behind


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Awkward series."""
    return build_long_panel()


def _rows(panel: Panel, cutoff: int = CUTOFF) -> np.ndarray:
    history = panel.history(*every_track(panel, cutoff), GRID_LENGTH)
    state = build_chart_state(panel.streams[:, cutoff + 1 - CHART_DAYS : cutoff + 1])
    return build_rows(history, panel.covariates, state[None])


def _column(rows: np.ndarray, name: str) -> np.ndarray:
    return rows[:, INPUTS.index(name)]


def test_every_number_has_a_name_and_is_finite_whatever_is_missing(panel: Panel) -> None:
    assert len(set(INPUTS)) == len(INPUTS)
    for cutoff in (100, 102, 441, 444, CUTOFF, 519):
        rows = _rows(panel, cutoff)
        assert rows.shape == (len(panel.track_ids), len(INPUTS))
        assert rows.dtype == np.float32
        assert np.isfinite(rows).all()


def test_nothing_after_the_cutoff_changes_a_row(panel: Panel) -> None:
    streams = panel.streams.copy()
    random = np.random.Generator(np.random.PCG64(1))
    streams[:, CUTOFF + 1 :] = random.permuted(np.nan_to_num(streams[:, CUTOFF + 1 :], nan=9.0), axis=0) * 3
    np.testing.assert_array_equal(_rows(with_streams(panel, streams)), _rows(panel))


def test_the_cutoffs_own_day_and_the_weeks_before_do_change_it(panel: Panel) -> None:
    for day in (CUTOFF, CUTOFF - 7, CUTOFF - 27):
        streams = panel.streams.copy()
        streams[:, day] = np.nan_to_num(streams[::-1, day], nan=50_000.0)
        assert not np.array_equal(_rows(with_streams(panel, streams)), _rows(panel)), day


def test_a_chart_ten_times_as_large_gives_the_same_rows(panel: Panel) -> None:
    np.testing.assert_allclose(
        _rows(with_streams(panel, panel.streams * 10)), _rows(panel), rtol=1e-4, atol=1e-4
    )


def test_a_row_says_where_the_track_stands(panel: Panel) -> None:
    rows = _rows(panel)
    logs, threshold = np.log(panel.streams), panel.covariates.log_threshold
    seen = np.isfinite(panel.streams)
    both = seen[:, CUTOFF] & seen[:, CUTOFF - 7]
    moved = (logs[:, CUTOFF] - threshold[CUTOFF]) - (logs[:, CUTOFF - 7] - threshold[CUTOFF - 7])
    np.testing.assert_allclose(_column(rows, "margin_change_7")[both], moved[both] / 7, atol=1e-5)
    np.testing.assert_array_equal(_column(rows, "change_known_7"), both)
    np.testing.assert_allclose(
        _column(rows, "seen_14"), seen[:, CUTOFF - 13 : CUTOFF + 1].mean(axis=1), rtol=1e-6
    )
    np.testing.assert_allclose(
        _column(rows, "rank")[seen[:, CUTOFF]],
        scale_ranks(panel.positions[seen[:, CUTOFF], CUTOFF]),
        rtol=1e-5,
    )
    same_days = [CUTOFF + 3 - 7 * k for k in (1, 2, 3, 4)]
    np.testing.assert_allclose(_column(rows, "weeks_seen_3"), seen[:, same_days].mean(axis=1), rtol=1e-6)


def test_what_is_ahead_is_the_forecast_of_the_rhythm_against_the_thresholds_own(panel: Panel) -> None:
    rows, market = _rows(panel), panel.covariates
    charting = np.isfinite(panel.streams[:, CUTOFF])
    steps = [
        market.log_threshold[CUTOFF + 2 - 7 * k] - market.log_threshold[CUTOFF - 7 * k] for k in (1, 2, 3, 4)
    ]
    line = market.log_threshold[CUTOFF] + np.median(steps)
    expected = np.log(panel.streams[charting, CUTOFF]) + market.rhythm[CUTOFF, 1] - line
    np.testing.assert_allclose(_column(rows, "ahead_2")[charting], expected, atol=1e-5)


def test_the_state_of_a_chart_is_its_shape_and_who_came_and_went() -> None:
    streams = np.full((60, CHART_DAYS), np.nan)
    streams[:50] = np.exp(10 - np.arange(50) / 20)[:, None]
    streams[0, 1:] = np.nan  # left after the first day
    streams[55, -1] = 30_000.0  # came on the last
    state = dict(zip(CHART_STATE, build_chart_state(streams), strict=True))
    assert state["entered"] == pytest.approx(1 / 50)
    assert state["left_1"] == state["left_7"] == pytest.approx(1 / 50)
    ordered = np.sort(np.log(streams[np.isfinite(streams[:, -1]), -1]))[::-1]
    assert state["line_10"] == pytest.approx(ordered[9] - ordered[-1])
    assert state[f"line_{TOP}"] == state[f"line_{LINES[-1]}"] == 0  # a chart of 50: its last place


def test_days_without_a_chart_say_nothing() -> None:
    assert not build_chart_state(np.full((3, CHART_DAYS), np.nan)).any()
    assert not build_chart_state(np.empty((0, CHART_DAYS))).any()
    streams = np.full((3, CHART_DAYS), np.nan)
    streams[:, -1] = 5.0
    assert not build_chart_state(streams).any()


def test_scaled_ranks_come_back_within_the_chart() -> None:
    ranks = np.array([1.0, 2.0, 50.0, 137.0, 200.0])
    np.testing.assert_allclose(unscale_ranks(scale_ranks(ranks)), ranks)
    np.testing.assert_array_equal(unscale_ranks(np.array([-1e9, 1e9])), [1, 200])


def test_the_top_50_is_never_likelier_than_the_chart_and_ranks_move_from_the_last_one() -> None:
    random = np.random.Generator(np.random.PCG64(2))
    rows = np.zeros((100, len(INPUTS)), dtype=np.float32)
    rows[:, INPUTS.index("rank")] = scale_ranks(np.arange(1, 101.0))
    outputs = random.random((100, len(OUTPUTS))).astype(np.float32)
    outputs[:, -HORIZON:] = 0
    presence = read_outputs(rows, outputs)
    assert (presence.top50 <= presence.chart).all()
    likely = outputs[:, HORIZON + 1 : 2 * HORIZON + 1] > 0.5
    outputs[:, HORIZON + 1 : 2 * HORIZON + 1] = np.arange(1, 101)[:, None] <= TOP
    kept = read_outputs(rows, outputs).rank
    np.testing.assert_allclose(kept, np.tile(np.arange(1, 101)[:, None], HORIZON), rtol=1e-4)
    np.testing.assert_array_equal(presence.rank <= TOP, likely)  # a median agrees with its probability
    outputs[:, -HORIZON:] = 100
    assert (read_outputs(rows, outputs).rank[TOP:] == 200).all()


def test_one_bad_row_at_the_end_of_a_chart_moves_its_state_by_little() -> None:
    streams = np.exp(10 - np.arange(200) / 300)[:, None].repeat(CHART_DAYS, axis=1)
    states = []
    for last in (1.0, 0.5, 0.0001):
        streams[-1, -1] = last * streams[-2, -1]
        states.append(build_chart_state(streams))
    assert np.abs(states[1] - states[0]).max() < 0.2
    np.testing.assert_array_equal(states[2], states[1])


def test_a_threshold_that_one_bad_row_set_is_held_near_its_weeks(panel: Panel) -> None:
    history = panel.history(*every_track(panel, CUTOFF), GRID_LENGTH)
    state = build_chart_state(panel.streams[:, CUTOFF + 1 - CHART_DAYS : CUTOFF + 1])[None]
    rows = []
    for fall in (1.0, 1.4):
        threshold = panel.covariates.log_threshold.copy()
        threshold[CUTOFF] = np.median(threshold[CUTOFF - 6 : CUTOFF]) - fall
        rows.append(build_rows(history, replace(panel.covariates, log_threshold=threshold), state))
    np.testing.assert_allclose(rows[0], rows[1], atol=0.05)
