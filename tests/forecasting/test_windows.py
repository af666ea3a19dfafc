"""One builder, two slices; no day after a cutoff in what a forecast from it sees; scale-free."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from app.forecasting.forecaster import Batch, Forecaster
from app.forecasting.history import UNKNOWN_DAY, Floats, History
from app.forecasting.market import Calendar, Market
from app.forecasting.market_covariates import DAYS_AFTER, MarketCovariates, build_market_covariates
from app.forecasting.spec import FEATURES, ForecastSpec
from app.forecasting.track_covariates import LEAD_IN
from app.forecasting.windows import Windows, build_windows
from tests.panels import DAYS, DEBUT, build_long_panel, every_track, rank, with_streams
from training.panel import Panel

SPEC = ForecastSpec().with_metadata()
SERVED = LEAD_IN + SPEC.context_length
STEPS = 150  # of the long stretch; it holds every gap of the panel, and the debut
CUTOFF = DAYS - 40


@pytest.fixture(scope="module")
def panel() -> Panel:
    return build_long_panel()


def _windows(panel: Panel, cutoff: int, length: int) -> Windows:
    return build_windows(panel.history(*every_track(panel, cutoff), length), panel.covariates, SPEC)


def _channel(windows: Windows, name: str) -> NDArray[np.float32]:
    return windows.covariates[:, :, SPEC.covariates.index(name)]


def _run(batch: Batch) -> NDArray[np.float32]:
    """A stand-in for a model that looks at every input it is given."""
    covariates, static = batch["covariates"], np.hstack([batch["static"], batch["artist"][:, -1]])
    random = np.random.Generator(np.random.PCG64(8))
    weights = random.normal(0, 0.03, (covariates[0].size, SPEC.horizon * len(SPEC.quantile_levels)))
    by_features = random.normal(0, 0.03, (static.shape[1], weights.shape[1]))
    answer = covariates.reshape(len(covariates), -1) @ weights + static @ by_features
    return answer.reshape(-1, SPEC.horizon, len(SPEC.quantile_levels)).astype(np.float32)


# One builder, two slices


def test_the_builders_make_every_channel_of_the_spec_and_no_other(panel: Panel) -> None:
    stretch = _windows(panel, DAYS - 1, LEAD_IN + 460)  # KeyError for a channel that nothing makes
    for i, name in enumerate(SPEC.covariates):
        assert len(np.unique(stretch.covariates[:, :, i])) > 1, f"{name} never changes: it proves nothing"
    assert set(panel.covariates.names) < set(SPEC.covariates)
    assert len(set(SPEC.covariates)) == len(SPEC.covariates)


def test_each_step_of_a_long_stretch_is_the_last_step_of_the_window_served_there(panel: Panel) -> None:
    stretch = _windows(panel, DAYS - 1, LEAD_IN + STEPS)
    for step in range(STEPS):
        served = _windows(panel, DAYS - STEPS + step, SERVED)
        np.testing.assert_array_equal(served.covariates[:, -1], stretch.covariates[:, step])
        np.testing.assert_array_equal(served.base[:, -1], stretch.base[:, step])
        np.testing.assert_array_equal(served.log_last[:, -1], stretch.log_last[:, step])
        np.testing.assert_array_equal(served.artist[:, -1], stretch.artist[:, step])
    np.testing.assert_array_equal(served.static, stretch.static)


def test_a_window_served_is_a_slice_of_the_stretch_in_all_its_steps(panel: Panel) -> None:
    stretch = _windows(panel, DAYS - 1, LEAD_IN + STEPS)
    for end in (SPEC.context_length - 1, 47, 90, STEPS - 1):
        served = _windows(panel, DAYS - STEPS + end, SERVED)
        steps = slice(end + 1 - SPEC.context_length, end + 1)
        np.testing.assert_array_equal(served.covariates, stretch.covariates[:, steps])


def test_tracks_with_cutoffs_of_their_own_get_the_windows_they_get_alone(panel: Panel) -> None:
    tracks, cutoffs = np.array([5, 5, 1, 3]), np.array([60, 500, DEBUT, 465])
    together = build_windows(panel.history(tracks, cutoffs, SERVED), panel.covariates, SPEC)
    for i in range(len(tracks)):
        alone = panel.history(tracks[i : i + 1], cutoffs[i : i + 1], SERVED)
        windows = build_windows(alone, panel.covariates, SPEC)
        np.testing.assert_array_equal(windows.covariates[0], together.covariates[i])
        np.testing.assert_array_equal(windows.base[0], together.base[i])


def test_the_first_days_of_a_chart_have_windows_too(panel: Panel) -> None:
    windows = _windows(panel, 0, SERVED)
    assert np.isfinite(windows.covariates).all()
    assert not windows.covariates[:, :-1, SPEC.covariates.index("chart_weekday_count")].any()
    assert _channel(windows, "observed")[:, :-1].sum() == 0


def test_a_grid_without_a_step_and_a_cutoff_outside_the_market_are_refused(panel: Panel) -> None:
    with pytest.raises(ValueError, match="holds no step"):
        _windows(panel, 100, LEAD_IN)
    history = panel.history(*every_track(panel, 100), SERVED)
    short = panel.until(panel.days[99])
    with pytest.raises(ValueError, match="outside the days of the market"):
        build_windows(history, short.covariates, SPEC)


# No leak


def _shuffled(streams: Floats) -> Floats:
    changed = streams.copy()
    order = np.random.Generator(np.random.PCG64(5)).permutation(DAYS - CUTOFF - 1)
    changed[:, CUTOFF + 1 :] = changed[::-1, CUTOFF + 1 :][:, order]
    return changed


def _deleted(streams: Floats) -> Floats:
    changed = streams.copy()
    changed[:, CUTOFF + 1 :] = np.nan
    return changed


def _multiplied(streams: Floats) -> Floats:
    changed = streams.copy()
    changed[:, CUTOFF + 1 :] *= np.where(np.arange(len(streams)) % 2, 50.0, 0.02)[:, None]
    return changed


def _joined_by_new_tracks(streams: Floats) -> Floats:
    later = np.full_like(streams, np.nan)
    later[:, CUTOFF + 1 :] = 5e6
    return np.concatenate([streams, later])


def _with_all_tracks(panel: Panel, streams: Floats) -> Panel:
    """``panel`` with other streams and as many tracks as they have, in the old order."""
    extra = len(streams) - len(panel.track_ids)
    return replace(
        panel,
        track_ids=(*panel.track_ids, *(f"newcomer{i:014d}" for i in range(extra))),
        streams=streams,
        positions=rank(streams),
        release_days=np.concatenate([panel.release_days, np.repeat(UNKNOWN_DAY, extra)]),
        features=np.concatenate([panel.features, np.full((extra, len(FEATURES)), 0.5)]),
        artists=np.concatenate([panel.artists, np.full(extra, panel.artists.max(), int)]),
    )


@pytest.mark.parametrize("change", [_shuffled, _deleted, _multiplied, _joined_by_new_tracks])
def test_what_happens_after_a_cutoff_changes_no_input_up_to_it(
    panel: Panel, change: Callable[[Floats], Floats]
) -> None:
    changed = _with_all_tracks(panel, change(panel.streams))
    tracks = np.arange(len(panel.track_ids))
    end = np.full_like(tracks, DAYS - 1)
    known = slice(0, CUTOFF + 1 - (DAYS - STEPS))  # the steps of the long stretch up to the cutoff
    before, after = (
        build_windows(p.history(tracks, end, LEAD_IN + STEPS), p.covariates, SPEC) for p in (panel, changed)
    )
    np.testing.assert_array_equal(after.covariates[:, known], before.covariates[:, known])
    np.testing.assert_array_equal(after.base[:, known], before.base[:, known])
    np.testing.assert_array_equal(after.artist[:, known], before.artist[:, known])
    np.testing.assert_array_equal(after.log_last[:, known], before.log_last[:, known])
    assert (after.covariates[:, known.stop :] != before.covariates[:, known.stop :]).any()


@pytest.mark.parametrize("change", [_shuffled, _deleted, _multiplied, _joined_by_new_tracks])
def test_what_happens_after_a_cutoff_changes_no_forecast_at_it(
    panel: Panel, change: Callable[[Floats], Floats]
) -> None:
    changed = _with_all_tracks(panel, change(panel.streams))
    forecaster = Forecaster(SPEC, _run)
    tracks, cutoffs = every_track(panel, CUTOFF)
    expected, found = (
        forecaster.forecast(p.history(tracks, cutoffs, SERVED), p.covariates).quantiles
        for p in (panel, changed)
    )
    np.testing.assert_array_equal(found, expected)


def test_the_panel_as_it_was_known_on_a_day_gives_that_days_forecasts(panel: Panel) -> None:
    cutoff = DEBUT - 10  # before the debut of one track
    until = panel.until(panel.days[cutoff])
    assert len(until.days) == cutoff + 1
    assert until.track_ids == tuple(t for i, t in enumerate(panel.track_ids) if i != 1)
    forecaster = Forecaster(SPEC, _run)
    tracks = np.array([panel.track_ids.index(track_id) for track_id in until.track_ids])
    expected = forecaster.forecast(
        panel.history(tracks, np.full(len(tracks), cutoff), SERVED), panel.covariates
    )
    found = forecaster.forecast(until.history(*every_track(until, cutoff), SERVED), until.covariates)
    np.testing.assert_array_equal(found.quantiles, expected.quantiles)


# Gaps


def _level_market(n_days: int, movement: float = 1.0) -> MarketCovariates:
    days = np.datetime64("2020-03-01", "D") + np.arange(n_days + DAYS_AFTER)
    calendar = Calendar(days=days, holidays=np.zeros(len(days), dtype=np.int64))
    market = Market(days=days[:n_days], movement=np.full(n_days, movement), threshold=np.full(n_days, 100.0))
    return build_market_covariates(market, calendar)


def _lone_history(streams: Floats) -> History:
    n_days = len(streams)
    first = np.datetime64("2020-03-01", "D")
    observed = np.isfinite(streams)
    return History(
        cutoffs=np.array([first + n_days - 1]),
        streams=streams[None],
        positions=np.where(observed, 50.0, np.nan)[None],
        first_days=np.array([first + observed.argmax()]),
        observed_before=np.array([0]),
        release_days=np.array([UNKNOWN_DAY]),
        features=np.full((1, len(FEATURES)), np.nan),
        companions=np.zeros((1, n_days, 2), np.float32),
    )


def test_after_a_gap_the_ratio_counts_from_the_last_observed_day() -> None:
    streams = np.full(40, 1000.0)
    streams[32:35] = np.nan
    streams[35:] = 1500.0
    windows = build_windows(_lone_history(streams), _level_market(40, movement=1.02), SPEC)
    step = 35 - LEAD_IN
    assert _channel(windows, "log_ratio")[0, step] == pytest.approx(10 * np.log(1.5))
    assert _channel(windows, "ratio_known")[0, step] == 1
    # four days of the market's 2 percent lie between the two observed days
    assert _channel(windows, "deviation")[0, step] == pytest.approx(10 * (np.log(1.5) - 4 * np.log(1.02)))
    assert _channel(windows, "log_ratio")[0, step + 1] == 0


def test_a_gap_stays_masked_and_carries_only_what_was_last_known() -> None:
    streams = np.full(40, 1000.0)
    streams[32:35] = np.nan
    windows = build_windows(_lone_history(streams), _level_market(40, movement=1.02), SPEC)
    gap = slice(32 - LEAD_IN, 35 - LEAD_IN)
    for name in ("observed", "ratio_known", "log_ratio", "deviation"):
        assert not _channel(windows, name)[0, gap].any(), name
    np.testing.assert_allclose(_channel(windows, "days_unobserved")[0, gap], np.log1p([1, 2, 3]), rtol=1e-6)
    np.testing.assert_allclose(_channel(windows, "level")[0, gap], np.log(10), rtol=1e-6)
    np.testing.assert_allclose(_channel(windows, "position")[0, gap], 0.25)
    np.testing.assert_allclose(windows.log_last[0, gap], np.log(1000))
    # the base begins with what the market did since the track was last seen
    np.testing.assert_allclose(windows.base[0, gap, 0], np.log(1.02) * np.array([2, 3, 4]))


@pytest.mark.parametrize(("days", "known"), [(LEAD_IN, True), (LEAD_IN + 1, False)])
def test_beyond_the_lead_in_the_last_value_is_unknown(days: int, known: bool) -> None:
    streams = np.full(100, np.nan)
    streams[40], streams[40 + days] = 1000.0, 2000.0
    windows = build_windows(_lone_history(streams), _level_market(100), SPEC)
    step = 40 + days - LEAD_IN
    assert bool(_channel(windows, "ratio_known")[0, step]) is known
    assert _channel(windows, "log_ratio")[0, step] == (pytest.approx(10 * np.log(2)) if known else 0)
    streams[40 + days] = np.nan
    windows = build_windows(_lone_history(streams), _level_market(100), SPEC)
    assert np.isfinite(windows.log_last[0, step]) == known
    assert bool(_channel(windows, "level")[0, step]) is known
    assert np.isfinite(windows.covariates).all()


def test_no_streams_on_a_charting_day_are_observed_and_finite() -> None:
    streams = np.full(40, 1000.0)
    streams[35] = 0.0
    windows = build_windows(_lone_history(streams), _level_market(40), SPEC)
    assert _channel(windows, "observed")[0].all()
    assert _channel(windows, "log_ratio")[0, 35 - LEAD_IN] == -20  # clipped
    assert np.isfinite(windows.covariates).all()


def test_a_tracks_own_weekday_moves_are_those_into_tomorrows_weekday() -> None:
    streams = np.full(60, 1000.0)
    streams[45:] = 2000.0  # day 44 to day 45 doubles it
    windows = build_windows(_lone_history(streams), _level_market(60), SPEC)
    doubled = 10 * np.log(2)
    last, median, count = (
        _channel(windows, f"own_weekday_{name}")[0] for name in ("last", "median", "count")
    )
    assert last[51 - LEAD_IN] == pytest.approx(doubled)  # tomorrow is day 52, a week after day 45
    assert list(np.flatnonzero(last)) == [51 - LEAD_IN]
    assert count[51 - LEAD_IN] == 1
    assert median[51 - LEAD_IN] == 0  # three weeks of no move outweigh one


# Scale


def test_ten_times_the_streams_of_a_region_change_no_input_and_scale_the_forecasts(panel: Panel) -> None:
    tenfold = with_streams(panel, panel.streams * 10)
    before, after = (_windows(p, DAYS - 1, LEAD_IN + STEPS) for p in (panel, tenfold))
    np.testing.assert_allclose(after.covariates, before.covariates, atol=1e-5)
    np.testing.assert_allclose(after.base, before.base, atol=1e-9)
    np.testing.assert_array_equal(after.static, before.static)
    np.testing.assert_allclose(after.log_last, before.log_last + np.log(10))
    forecaster = Forecaster(SPEC, _run)
    tracks, cutoffs = np.array([0, 1, 5]), np.array([400, 500, 519])
    one, ten = (
        forecaster.forecast(p.history(tracks, cutoffs, SERVED), p.covariates).quantiles
        for p in (panel, tenfold)
    )
    np.testing.assert_allclose(ten, 10 * one, rtol=1e-4)
