"""The gate lets a model answer only where its own past in the region speaks for it."""

import numpy as np
import pytest

from app.forecasting.gate import judge
from app.forecasting.history import Floats

NONE = np.empty((0, 2))


def _days(*ratios: tuple[int, float]) -> Floats:
    """So many days with each ratio; what chart_weekday errs differs from day to day."""
    ratio = np.concatenate([np.full(n, value) for n, value in ratios])
    baseline = 100.0 + 10 * (np.arange(len(ratio)) % 7)
    return np.stack([ratio * baseline, baseline], axis=1)


def test_a_better_model_is_trusted_and_a_worse_one_is_not() -> None:
    better, worse = judge(_days((60, 0.8)), np.inf), judge(_days((60, 1.02)), np.inf)
    assert (better.trusted, better.days, better.scored_days) == (True, 60, 60)
    assert better.ratio == pytest.approx(0.8)
    assert not worse.trusted
    assert worse.ratio == pytest.approx(1.02)


def test_a_bad_week_is_enough_and_the_verdict_says_so() -> None:
    verdict = judge(_days((53, 0.7), (7, 1.1)), 0.5)
    assert (verdict.trusted, verdict.days) == (False, 7)
    assert verdict.ratio == pytest.approx(1.1)
    assert judge(_days((53, 0.7), (6, 1.1), (1, 0.3)), 0.5).trusted
    assert judge(_days((53, 0.7), (7, 1.1), (7, 0.8)), 0.5).trusted


def test_a_good_week_does_not_make_up_for_two_bad_months() -> None:
    verdict = judge(_days((53, 1.2), (7, 0.8)), 0.5)
    assert (verdict.trusted, verdict.days) == (False, 60)


def test_days_before_the_last_60_do_not_count() -> None:
    assert judge(_days((100, 9.0), (60, 0.9)), np.inf).trusted


def test_the_backtest_fills_the_days_that_lack() -> None:
    nothing = judge(NONE, 0.8)
    assert (nothing.trusted, nothing.scored_days, nothing.ratio) == (True, 0, 0.8)
    assert not judge(NONE, 1.1).trusted
    assert judge(_days((30, 1.0)), 0.8).ratio == pytest.approx(0.9)
    assert judge(_days((2, 1.5)), 0.7).trusted  # (2 x 1.5 + 5 x 0.7) / 7 of the week
    assert not judge(_days((4, 1.5)), 0.7).trusted


def test_without_a_past_and_a_backtest_a_model_is_trusted_and_a_bad_day_ends_it() -> None:
    assert judge(NONE, np.inf).trusted
    assert judge(NONE, np.nan).trusted
    assert not judge(_days((1, 1.01)), np.inf).trusted


def test_days_without_an_error_of_the_baseline_are_no_division_by_zero() -> None:
    assert judge(np.zeros((60, 2)), np.inf).trusted
    assert not judge(np.array([[1.0, 0.0]] * 60), np.inf).trusted


# The worst of any 60 days, in chart_weekday's errors, if its daily errors vary by a factor of 2.
BAD_MODELS = {
    "bad from the start": ((240, 1.3), 1.02),
    "turns bad": ((120, 0.8), (120, 1.15), 1.02),
    "turns terrible": ((120, 0.8), (120, 2.5), 1.04),
    "bad every other month": (*((30, 0.8), (30, 1.2)) * 4, 1.02),
}


@pytest.mark.parametrize("name", BAD_MODELS)
def test_over_any_60_days_a_gated_model_costs_next_to_nothing(name: str) -> None:
    *stretches, limit = BAD_MODELS[name]
    errors = _days(*stretches)  # type: ignore[arg-type]
    random = np.random.Generator(np.random.PCG64(1))
    errors *= random.uniform(0.7, 1.4, (len(errors), 1))
    gated = errors[:, 1].copy()
    for day in range(len(errors)):
        if judge(errors[:day], 0.8).trusted:
            gated[day] = errors[day, 0]
    window = np.ones(60)
    ratio = np.convolve(gated, window, "valid") / np.convolve(errors[:, 1], window, "valid")
    assert ratio.max() <= limit
