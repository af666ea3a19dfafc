"""Charts laid out as arrays say what the charts said."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from app.forecasting.market import chart_ratio
from tests.panels import build_long_panel, build_panel_of
from training.panel import Panel, build_panel


def _chart(panel: Panel, day: int) -> dict[str, int]:
    streams = panel.streams[:, day]
    return {t: int(s) for t, s in zip(panel.track_ids, streams, strict=True) if np.isfinite(s)}


def test_the_markets_movement_is_the_chart_ratio_from_the_day_before() -> None:
    panel = build_long_panel()
    streams = panel.streams.copy()
    streams[2, 50] = streams[7, 51] = 0.0
    panel = build_panel_of(streams)
    assert np.isnan(panel.market.movement[0])
    for day in range(1, len(panel.days)):
        expected = chart_ratio(_chart(panel, day), _chart(panel, day - 1))
        found = panel.market.movement[day]
        assert np.isnan(found) if expected is None else found == expected
        chart = _chart(panel, day)
        threshold = panel.market.threshold[day]
        assert threshold == min(chart.values()) if chart else np.isnan(threshold)


def test_rows_are_laid_out_by_track_and_day_and_absent_ones_are_unknown() -> None:
    rows = [
        ("2020-01-02", "b", 1, 300, "Bo, Ann"),
        ("2020-01-02", "a", 2, 200, "Ann"),
        ("2020-01-04", "a", 1, 100, "bo"),
    ]
    charts = pd.DataFrame(rows, columns=["date", "track_id", "position", "streams", "artist"])
    charts["date"] = pd.to_datetime(charts["date"])
    metadata = pd.DataFrame.from_dict(
        {"a": {"energy": 0.5, "release_date": "2019"}, "other": {"energy": 1.0}}, orient="index"
    )
    panel = build_panel(charts, metadata, "ph")
    assert panel.track_ids == ("a", "b")
    assert list(panel.days) == [np.datetime64(f"2020-01-0{day}") for day in (2, 3, 4)]
    np.testing.assert_array_equal(panel.streams, [[200, np.nan, 100], [300, np.nan, np.nan]])
    np.testing.assert_array_equal(panel.positions, [[2, np.nan, 1], [1, np.nan, np.nan]])
    assert panel.release_days[0] == np.datetime64("2019-01-01")
    assert np.isnat(panel.release_days[1])
    assert panel.features[0, 1] == 0.5
    assert np.isfinite(panel.features).sum() == 1
    assert panel.covariates.first_day == panel.days[0]
    assert panel.artists[0] == panel.artists[1] >= 0  # as last named, the first of several


def test_a_panel_without_metadata_has_unknown_ones() -> None:
    charts = pd.DataFrame(
        {
            "date": pd.to_datetime(["2020-01-02"]),
            "track_id": ["a"],
            "position": [1],
            "streams": [5],
            "artist": [None],
        }
    )
    panel = build_panel(charts, pd.DataFrame(), "global")
    assert np.isnan(panel.features).all()
    assert np.isnat(panel.release_days).all()
    assert len(panel.covariates) == 1


def test_a_history_ends_on_its_cutoff_and_counts_what_came_before_it() -> None:
    panel = build_long_panel()
    tracks, cutoffs = np.array([3, 1, 0]), np.array([470, 410, 5])
    history = panel.history(tracks, cutoffs, 30)
    np.testing.assert_array_equal(history.streams[0], panel.streams[3, 441:471])
    np.testing.assert_array_equal(history.positions[1], panel.positions[1, 381:411])
    assert np.isnan(history.streams[2, :24]).all()  # before the panel's first day
    np.testing.assert_array_equal(history.streams[2, 24:], panel.streams[0, :6])
    assert list(history.cutoffs) == list(panel.days[cutoffs])
    expected = [int(np.isfinite(panel.streams[3, :441]).sum()), 0, 0]
    assert list(history.observed_before) == expected
    in_grid = np.isfinite(history.streams).sum(axis=1)
    np.testing.assert_array_equal(history.observed_before + in_grid, panel.observed_days(tracks, cutoffs))
    assert history.first_days[1] == panel.days[np.isfinite(panel.streams[1]).argmax()]


def test_a_panel_known_until_a_day_outside_it_is_refused() -> None:
    panel = build_panel_of(np.ones((2, 10)), dt.date(2020, 1, 1))
    assert len(panel.until(np.datetime64("2020-01-10")).days) == 10
    for day in ("2019-12-31", "2020-01-11"):
        with pytest.raises(ValueError, match="is not between 2020-01-01 and 2020-01-10"):
            panel.until(np.datetime64(day))
