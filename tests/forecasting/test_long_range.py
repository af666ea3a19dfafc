"""A long horizon is rolled: its first days are the direct forecast's, and nothing after the cutoff counts."""

import numpy as np
import pytest

from app.forecasting.calibration import GROUP_STARTS
from app.forecasting.forecaster import Batch, Forecast, Forecaster
from app.forecasting.history import Floats, Ints
from app.forecasting.long_range import STRETCH, roll
from app.forecasting.rolling import MAX_HORIZON, count_blocks, days_at_a_time, roll_chart
from app.forecasting.sample_paths import draw_scores
from tests.forecasting.stand_in import CUTOFF, FORECASTER, SPEC
from tests.panels import build_long_panel, build_panel_of, every_track
from training.panel import Panel
from training.recursion import long_calendar

FACTORS = np.full((len(GROUP_STARTS), SPEC.horizon, len(SPEC.quantile_levels) - 1), 1.3)


def _direct(panel: Panel, tracks: Ints, cutoff: int) -> Forecast:
    history = panel.history(tracks, np.full(len(tracks), cutoff), FORECASTER.grid_length)
    return FORECASTER.forecast(history, panel.covariates)


def _roll(panel: Panel, cutoff: int, horizon: int = MAX_HORIZON, factors: Floats | None = None) -> Forecast:
    """Of all tracks that charted lately, as they were known on the cutoff."""
    known = panel.until(panel.days[cutoff])
    tracks = np.flatnonzero(np.isfinite(known.streams[:, -28:]).any(axis=1))
    cutoffs = np.full(len(tracks), cutoff)
    history = known.history(tracks, cutoffs, FORECASTER.grid_length)
    return roll(
        FORECASTER,
        history,
        roll_chart(FORECASTER, history, known.market, long_calendar(known), days_at_a_time(SPEC)).market,
        _direct(known, tracks, cutoff),
        horizon=horizon,
        scores=draw_scores(
            "ph", str(known.days[-1]), [known.track_ids[track] for track in tracks], count_blocks(SPEC)
        ),
        observed_days=known.observed_days(tracks, cutoffs),
        factors=factors,
    )


@pytest.fixture(scope="module")
def panel() -> Panel:
    return build_long_panel()


@pytest.fixture(scope="module")
def whole(panel: Panel) -> Forecast:
    """Of all 28 days."""
    return _roll(panel, CUTOFF, factors=FACTORS)


def test_up_to_the_direct_horizon_it_is_the_direct_forecast_to_the_bit(panel: Panel, whole: Forecast) -> None:
    tracks = np.flatnonzero(np.isfinite(panel.streams[:, CUTOFF - 27 : CUTOFF + 1]).any(axis=1))
    direct = _direct(panel, tracks, CUTOFF).quantiles
    np.testing.assert_array_equal(_roll(panel, CUTOFF, 5, FACTORS).quantiles, direct[:, :5])
    np.testing.assert_array_equal(whole.quantiles[:, :7], direct)


@pytest.mark.parametrize("horizon", [8, 14, 20, 28])
def test_the_same_question_has_the_same_answer_and_a_longer_one_the_same_first_days(
    panel: Panel, whole: Forecast, horizon: int
) -> None:
    found = _roll(panel, CUTOFF, horizon, FACTORS).quantiles
    assert found.shape[1] == horizon
    np.testing.assert_array_equal(found, whole.quantiles[:, :horizon])


@pytest.mark.parametrize("factors", [None, FACTORS])
def test_quantiles_nest_hold_the_median_and_are_never_narrower_than_the_day_before(
    panel: Panel, factors: Floats | None
) -> None:
    found = _roll(panel, CUTOFF, factors=factors)
    assert (np.diff(found.quantiles, axis=2) >= 0).all()
    for level in SPEC.levels:
        lower, upper = found.interval(level)
        above, below = np.log(upper / found.median), np.log(found.median / lower)
        for width in (above, below):
            # Day 5's are the widest of the direct forecast's: the later ones start from them.
            assert (width[:, 7:] >= width[:, :7].max(axis=1, keepdims=True) - 1e-9).all()
            assert (np.diff(width[:, 7:], axis=1) >= -1e-9).all()
            assert (width[:, -1] > 1.1 * width[:, 7]).all()


def test_independent_blocks_widen_as_the_root_of_their_number_times_the_stretch(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(batch: Batch) -> np.ndarray:
        levels = np.array([-1.96, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.96], dtype=np.float32)
        return np.tile(levels, (len(batch["covariates"]), SPEC.horizon, 1))

    monkeypatch.setattr("tests.forecasting.test_long_range.FORECASTER", Forecaster(SPEC, run))
    found = _roll(panel, CUTOFF)
    for level, tail in zip(SPEC.levels, range(3), strict=True):
        lower, upper = found.interval(level)
        width = np.log(upper / lower)
        for block in (2, 3, 4):
            grown = (width[:, 7 * block - 1] / width[:, 6]).mean()
            assert grown == pytest.approx(np.sqrt(block) * STRETCH[block - 2, tail], rel=0.06)


@pytest.mark.parametrize("streams", [0.0, 1.0, 5e4, 1e12])
def test_one_day_of_history_is_enough(streams: float) -> None:
    found = _roll(build_panel_of(np.full((3, 1), streams)), 0, factors=FACTORS)
    assert found.quantiles.shape == (3, MAX_HORIZON, len(SPEC.quantile_levels))
    assert np.isfinite(found.quantiles).all()
    assert (found.quantiles >= 0).all()


@pytest.mark.parametrize("answer", [3e38, -3e38, np.inf, -np.inf])
def test_absurd_answers_still_make_a_forecast(answer: float) -> None:
    def run(batch: Batch) -> np.ndarray:
        outputs = np.zeros((len(batch["covariates"]), SPEC.horizon, len(SPEC.quantile_levels)), np.float32)
        outputs[:, :, 4:] = answer
        return outputs

    panel = build_long_panel()
    tracks, cutoffs = every_track(panel, CUTOFF)
    absurd = Forecaster(SPEC, run)
    history = panel.history(tracks[:2], cutoffs[:2], absurd.grid_length)
    found = roll(
        absurd,
        history,
        roll_chart(
            absurd,
            history,
            panel.until(panel.days[CUTOFF]).market,
            long_calendar(panel),
            days_at_a_time(SPEC),
        ).market,
        absurd.forecast(history, panel.covariates),
        horizon=MAX_HORIZON,
        scores=draw_scores("ph", "2020-11-18", ["a", "b"], count_blocks(SPEC)),
        observed_days=np.array([9, 9]),
        factors=None,
    )
    assert np.isfinite(found.quantiles).all()
    assert (found.quantiles >= 0).all()
    assert (np.diff(found.quantiles, axis=2) >= 0).all()
