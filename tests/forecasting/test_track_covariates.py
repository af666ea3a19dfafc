"""A track's own channels are what their definitions say, day by day, whatever befalls the chart."""

from math import isfinite, log, log1p, nan
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.forecasting.history import History
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.spec import ForecastSpec
from app.forecasting.track_covariates import LEAD_IN, NAMES
from app.forecasting.windows import CHUNK, build_windows
from tests.panels import DAYS, DEBUT, build_long_panel, build_panel_of_rows, every_track
from tests.sample import Sample
from tests.troubles import TROUBLES, good_rows

SPEC = ForecastSpec()
LENGTH = LEAD_IN + SPEC.context_length
LONG_PANEL = build_long_panel()


def _plain_channels(history: History, market: MarketCovariates, row: int, step: int) -> dict[str, float]:
    """The channels of one step of one track, by their definitions."""
    day = LEAD_IN + step
    streams = history.streams[row]
    market_row = int((history.cutoffs[row] - market.first_day).astype(int)) - (len(streams) - 1)

    def moved(first: int, last: int) -> float:
        """The market's log movement after one day of the grid and up to another."""
        return float(market.movement[max(market_row + first + 1, 0) : max(market_row + last + 1, 0)].sum())

    def last_before(end: int) -> int | None:
        near = [d for d in range(max(day - LEAD_IN, 0), end) if isfinite(streams[d])]
        return near[-1] if near else None

    def log_of(d: int) -> float:
        return log(max(streams[d], 1.0)) if isfinite(streams[d]) else nan

    def clip(ratio: float) -> float:
        return 10 * min(max(ratio, -2.0), 2.0) if isfinite(ratio) else 0.0

    last, before = last_before(day + 1), last_before(day)
    ratio = nan if before is None else log_of(day) - log_of(before)
    weekly = [
        log_of(d + 1) - log_of(d) - moved(d, d + 1) for d in (day - 7, day - 14, day - 21, day - 28)
    ]  # into tomorrow's weekday
    known = [move for move in weekly if isfinite(move)]
    age = int((history.cutoffs[row] - history.first_days[row]).astype(int)) - (len(streams) - 1 - day)
    release_known = not np.isnat(history.release_days[row])
    since_release = history.cutoffs[row] - history.release_days[row]
    release_age = since_release.astype(int) - (len(streams) - 1 - day) if release_known else 0
    threshold = market.log_threshold[market_row + last] if last is not None else nan
    return {
        "log_ratio": clip(ratio),
        "deviation": clip(nan if before is None else ratio - moved(before, day)),
        "own_weekday_last": clip(weekly[0]),
        "own_weekday_median": clip(median(known)) if known else 0.0,
        "level": 0.0 if last is None else max(log_of(last) - threshold, 0.0),
        "position": 0.0 if last is None else history.positions[row, last] / 200,
        "days_unobserved": log1p(LEAD_IN if last is None else day - last),
        "observed_days": log1p(history.observed_before[row] + np.isfinite(streams[: day + 1]).sum()) / 5,
        "age": log1p(max(age, 0)) / 5,
        "release_age": log1p(max(release_age, 0)) / 8,
        "observed": float(isfinite(streams[day])),
        "ratio_known": float(isfinite(ratio)),
        "release_known": float(release_known),
        "own_weekday_count": len(known) / 4,
    }


def _check_plainly(history: History, market: MarketCovariates, row: int, steps: list[int]) -> None:
    covariates = build_windows(history, market, SPEC).covariates[row]
    for step in steps:
        for name, expected in _plain_channels(history, market, row, step).items():
            found = covariates[step, SPEC.covariates.index(name)]
            assert found == pytest.approx(expected, abs=1e-6, rel=1e-6), (name, step)


def test_all_of_them_are_defined_here() -> None:
    history = LONG_PANEL.history(*every_track(LONG_PANEL, DAYS - 1), LENGTH)
    assert set(_plain_channels(history, LONG_PANEL.covariates, 0, 0)) == set(NAMES)


@given(
    track=st.integers(0, 9),
    cutoff=st.one_of(st.integers(0, DAYS - 1), st.integers(0, 60), st.integers(DEBUT, DEBUT + 40)),
    steps=st.lists(st.integers(0, SPEC.context_length - 1), min_size=1, max_size=4),
)
def test_every_channel_is_its_definition_with_gaps_debuts_and_first_days(
    track: int, cutoff: int, steps: list[int]
) -> None:
    history = LONG_PANEL.history(np.array([track]), np.array([cutoff]), LENGTH)
    _check_plainly(history, LONG_PANEL.covariates, 0, steps)


@given(gaps=st.lists(st.booleans(), min_size=LENGTH, max_size=LENGTH), seed=st.integers(0, 1000))
def test_every_channel_is_its_definition_with_any_gaps(gaps: list[bool], seed: int) -> None:
    history = LONG_PANEL.history(np.array([7]), np.array([DAYS - 1]), LENGTH)
    random = np.random.Generator(np.random.PCG64(seed))
    history.streams[0] = np.where(gaps, np.nan, np.floor(np.exp(random.normal(9, 3, LENGTH))))
    history.positions[0] = np.where(gaps, np.nan, random.integers(1, 201, LENGTH))
    _check_plainly(history, LONG_PANEL.covariates, 0, [0, 9, SPEC.context_length - 1])


@pytest.mark.parametrize("trouble", TROUBLES)
def test_one_track_gets_the_window_that_it_gets_among_many(sample: Sample, trouble: str) -> None:
    panel = build_panel_of_rows(TROUBLES[trouble](good_rows(sample)))
    tracks, cutoffs = every_track(panel, len(panel.days) - 1)
    history = panel.history(tracks, cutoffs, LENGTH)
    together = build_windows(history, panel.covariates, SPEC)
    assert trouble == "one track" or len(tracks) >= 50
    for row in range(0, len(tracks), max(len(tracks) // 15, 1)):
        alone = panel.history(tracks[row : row + 1], cutoffs[row : row + 1], LENGTH)
        windows = build_windows(alone, panel.covariates, SPEC)
        np.testing.assert_array_equal(windows.covariates[0], together.covariates[row])
        np.testing.assert_array_equal(windows.log_last[0], together.log_last[row])
        np.testing.assert_array_equal(windows.base[0], together.base[row])
        _check_plainly(alone, panel.covariates, 0, [0, SPEC.context_length - 2, SPEC.context_length - 1])


@pytest.mark.parametrize("n_tracks", [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_chunks_make_the_windows_that_one_block_would(n_tracks: int) -> None:
    random = np.random.Generator(np.random.PCG64(2))
    tracks, cutoffs = random.integers(0, 10, n_tracks), random.integers(0, DAYS, n_tracks)
    together = build_windows(LONG_PANEL.history(tracks, cutoffs, LENGTH), LONG_PANEL.covariates, SPEC)
    assert together.covariates.shape == (n_tracks, SPEC.context_length, len(SPEC.covariates))
    for row in {0, CHUNK - 1, n_tracks - 1}.intersection(range(n_tracks)):
        alone = LONG_PANEL.history(tracks[row : row + 1], cutoffs[row : row + 1], LENGTH)
        windows = build_windows(alone, LONG_PANEL.covariates, SPEC)
        np.testing.assert_array_equal(windows.covariates[0], together.covariates[row])
        np.testing.assert_array_equal(windows.last_base[0], together.last_base[row])
