"""Every method is scored on the same cells, and a cell is a track that charted at the cutoff."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.forecasting.market import chart_ratio, chart_weekday
from tests.panels import build_long_panel
from training.backtest import BASELINES, add_forecasts, build_cells
from training.bundles import start_bundle
from training.panel import Panel

FIRST, LAST = 470, 490


def _cells(panel: Panel, horizons: range = range(1, 8)) -> pd.DataFrame:
    return build_cells(panel, panel.days[FIRST], panel.days[LAST], horizons)


def test_cells_are_the_tracks_that_charted_at_each_cutoff() -> None:
    panel = build_long_panel()
    cells = _cells(panel, range(1, 3))
    expected = {
        (track, cutoff, horizon)
        for track in range(len(panel.track_ids))
        for cutoff in range(FIRST, LAST + 1)
        for horizon in (1, 2)
        if np.isfinite(panel.streams[track, cutoff])
    }
    found = list(cells[["track", "cutoff", "horizon"]].itertuples(index=False, name=None))
    assert len(found) == len(expected)
    assert set(found) == expected
    np.testing.assert_array_equal(cells["date"], panel.days[cells["cutoff"]])
    np.testing.assert_array_equal(cells["position"], panel.positions[cells["track"], cells["cutoff"]])


def test_the_actual_is_the_targets_day_and_unknown_where_the_track_had_left() -> None:
    panel = build_long_panel()
    cells = _cells(panel)
    actual = panel.streams[cells["track"], cells["cutoff"] + cells["horizon"]]
    np.testing.assert_array_equal(cells["actual"], actual)
    assert cells["actual"].isna().any()
    assert cells[list(BASELINES)].notna().all(axis=None)


def test_each_cell_has_the_baseline_of_the_contract() -> None:
    panel = build_long_panel()

    def chart(day: int) -> dict[str, int]:
        streams = panel.streams[:, day]
        return {str(i): int(s) for i, s in enumerate(streams) if np.isfinite(s)}

    for _, cell in _cells(panel).sample(40, random_state=1).iterrows():
        track, cutoff, horizon = (int(cell[name]) for name in ("track", "cutoff", "horizon"))
        weeks = [chart_ratio(chart(cutoff + horizon - 7 * k), chart(cutoff - 7 * k)) for k in range(1, 5)]
        assert cell["chart_weekday"] == chart_weekday(float(panel.streams[track, cutoff]), weeks)
        assert cell["naive"] == panel.streams[track, cutoff]
        assert cell["observed_days"] == np.isfinite(panel.streams[track, : cutoff + 1]).sum()


def test_targets_beyond_the_last_day_are_no_cells() -> None:
    panel = build_long_panel()
    last = len(panel.days) - 2
    cells = build_cells(panel, panel.days[last - 1], panel.days[last], range(1, 8))
    assert (cells["cutoff"] + cells["horizon"] < len(panel.days)).all()
    assert sorted(cells["horizon"].unique()) == [1, 2]


def test_a_period_that_the_charts_do_not_hold_is_refused() -> None:
    panel = build_long_panel()
    for first, last in ((-1, 100), (100, len(panel.days) - 1)):
        with pytest.raises(ValueError, match="want charts from"):
            build_cells(panel, panel.days[0] + first, panel.days[0] + last, [1])


def test_a_models_forecasts_are_those_made_with_nothing_but_the_days_up_to_the_cutoff(
    candidates: Path, panel: Panel
) -> None:
    forecaster = start_bundle(candidates / "two_stage").forecaster
    first, last = len(panel.days) - 12, len(panel.days) - 4
    cells = build_cells(panel, panel.days[first], panel.days[last], range(1, 4))
    scored = add_forecasts(cells, panel, {"model": forecaster})
    assert list(scored[cells.columns]) == list(cells)
    np.testing.assert_array_equal(scored["model"], scored["model@0.5"])
    for cutoff, of_day in scored.groupby("cutoff"):
        index = int(str(cutoff))
        known = panel.until(panel.days[index])
        tracks = np.array([known.track_ids.index(panel.track_ids[i]) for i in of_day["track"]])
        history = known.history(tracks, np.full(len(tracks), index), forecaster.grid_length)
        forecast = forecaster.forecast(history, known.covariates)
        rows = np.arange(len(tracks)), of_day["horizon"].to_numpy() - 1
        np.testing.assert_allclose(of_day["model"], forecast.median[rows], rtol=1e-5)
        lower, upper = forecast.interval(80)
        np.testing.assert_allclose(of_day["model@0.1"], lower[rows], rtol=1e-5)
        np.testing.assert_allclose(of_day["model@0.9"], upper[rows], rtol=1e-5)
