"""Single series: what they are fitted to, where naive stands in, and how the sample is drawn."""

import numpy as np
import pandas as pd
import pytest

from tests.panels import build_panel_of
from training.rivals.statistical import (
    LONGEST,
    NAMES,
    TRACKS_PER_CUTOFF,
    build_series,
    forecast_statistical,
    sample_tracks,
)


def test_a_short_gap_is_filled_between_its_two_sides_and_a_long_one_begins_the_series_anew() -> None:
    streams = np.array([5.0, 5.0, *[np.nan] * 8, 100.0, np.nan, 400.0, 300.0])
    np.testing.assert_allclose(build_series(streams), [100, 200, 400, 300])
    week = np.array([8.0, *[np.nan] * 7, 8.0])
    np.testing.assert_allclose(build_series(week), np.full(9, 8.0))


def test_a_series_reaches_back_half_a_year_and_no_further() -> None:
    assert len(build_series(np.arange(1.0, 400.0))) == LONGEST == 182


def test_a_weekly_rhythm_is_found() -> None:
    rhythm = np.tile([1.0, 1.0, 1.0, 1.0, 1.3, 1.6, 1.4], 20)
    noise = np.exp(np.random.Generator(np.random.PCG64(1)).normal(0, 0.01, 140))
    panel = build_panel_of(np.stack([1000 * rhythm * noise] * 2))
    found = forecast_statistical(panel, np.array([0]), np.array([125]))
    for name in NAMES:
        np.testing.assert_allclose(found[name][0], 1000 * rhythm[126:133], rtol=0.05)


@pytest.mark.parametrize("streams", [np.arange(1.0, 15.0), np.full(60, 9.0), np.array([4.0])])
def test_the_naive_forecast_stands_in_for_short_and_still_series(streams: np.ndarray) -> None:
    panel = build_panel_of(np.stack([streams, streams]))
    found = forecast_statistical(panel, np.array([1]), np.array([len(streams) - 1]))
    for name in NAMES:
        np.testing.assert_allclose(found[name], np.full((1, 7), streams[-1]), rtol=1e-12)


def test_a_forecast_sees_nothing_after_its_cutoff() -> None:
    streams = np.exp(9 + np.random.Generator(np.random.PCG64(2)).normal(0, 0.1, (2, 60)))
    changed = streams.copy()
    changed[:, 41:] = np.nan
    expected, found = (
        forecast_statistical(build_panel_of(values), np.array([0, 1]), np.array([40, 40]))
        for values in (streams, changed)
    )
    for name in NAMES:
        np.testing.assert_array_equal(found[name], expected[name])


def _cells(n_days: int) -> pd.DataFrame:
    rows = [(track, day, h) for day in range(n_days) for track in range(2 + day) for h in (1, 2)]
    return pd.DataFrame(rows, columns=["track", "cutoff", "horizon"])


def test_some_tracks_are_drawn_on_each_day_at_all_their_horizons() -> None:
    sample = sample_tracks(_cells(12), seed=1)
    assert (sample.groupby(["track", "cutoff"]).size() == 2).all()
    drawn = sample.drop_duplicates(["track", "cutoff"]).groupby("cutoff")["track"]
    assert drawn.size().to_dict() == {day: min(2 + day, TRACKS_PER_CUTOFF) for day in range(12)}
    assert drawn.apply(tuple).nunique() > 5  # not the same every day


def test_a_days_draw_depends_on_the_seed_and_on_no_other_day() -> None:
    sample = sample_tracks(_cells(12), seed=1)
    shorter = sample_tracks(_cells(8).sample(frac=1, random_state=3), seed=1)
    keys = ["cutoff", "track", "horizon"]
    first = sample[sample["cutoff"] < 8]
    pd.testing.assert_frame_equal(
        first.sort_values(keys).reset_index(drop=True), shorter.sort_values(keys).reset_index(drop=True)
    )
    assert set(map(tuple, sample_tracks(_cells(12), seed=2)[keys].to_numpy())) != set(
        map(tuple, sample[keys].to_numpy())
    )
