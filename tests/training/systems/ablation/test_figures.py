"""Differences are paired by seed and day, and nothing is called redundant that may only be noise."""

import numpy as np
import pandas as pd
import pytest

from training.systems.ablation.figures import (
    HARMFUL,
    NEEDED,
    REDUNDANT,
    UNCLEAR,
    in_naive_errors,
    judge,
    label,
    summarise,
)
from training.systems.ablation.variants import FULL, Variant

SEEDS = (1, 2)
WITHOUT = Variant("without", "a thing")


@pytest.fixture
def cells() -> pd.DataFrame:
    """40 days of 6 tracks, the next day and the seventh, some targets censored."""
    random = np.random.Generator(np.random.PCG64(2))
    days = np.repeat(np.arange(40), 12)
    actual = np.where(random.random(480) < 0.1, np.nan, random.uniform(900, 1100, 480))
    return pd.DataFrame(
        {
            "date": np.datetime64("2020-07-01") + days,
            "horizon": np.tile([1, 7], 240),
            "observed_days": np.tile([3, 3, 50, 50, 90, 90], 80),
            "actual": actual,
            "naive": random.uniform(800, 1200, 480),
            "chart_weekday": random.uniform(850, 1150, 480),
        }
    )


def _forecasts(cells: pd.DataFrame, *, worse: float) -> dict[str, np.ndarray]:
    random = np.random.Generator(np.random.PCG64(3))
    actual = cells["actual"].fillna(1000).to_numpy()
    found = {}
    for seed in SEEDS:
        error = random.normal(0, 50 + seed, len(cells))
        found[label("full", seed)] = actual + error
        found[label("without", seed)] = actual + (1 + worse * seed) * error
    return found


def test_the_change_is_the_mean_over_seeds_of_each_seeds_own(cells: pd.DataFrame) -> None:
    forecasts = _forecasts(cells, worse=0.1)
    scored = in_naive_errors(cells, forecasts)
    group = summarise(scored, [FULL, WITHOUT], SEEDS)["next_day"]
    known = cells[(cells["horizon"] == 1) & cells["actual"].notna()]
    naive = (known["naive"] - known["actual"]).abs().mean()
    mae = {
        name: float(np.abs(values[known.index] - known["actual"]).mean())
        for name, values in forecasts.items()
    }
    full, without = group["variants"]["full"], group["variants"]["without"]
    assert group["cells"] == len(known)
    assert full["to_naive"] == pytest.approx((mae["full@1"] + mae["full@2"]) / 2 / naive)
    changes = [(mae[f"without@{seed}"] - mae[f"full@{seed}"]) / naive for seed in SEEDS]
    assert without["change_by_seed"] == pytest.approx(changes)
    assert without["change"] == pytest.approx(np.mean(changes))
    assert without["spread"] == pytest.approx(np.std(changes, ddof=1))
    assert without["ratio"] == pytest.approx(
        (mae["without@1"] + mae["without@2"]) / (mae["full@1"] + mae["full@2"])
    )
    assert 1 < without["low_90"] <= without["ratio"] <= without["high_90"]
    assert "ratio" not in full


def test_all_variants_are_scored_on_the_same_cells_and_new_tracks_apart(cells: pd.DataFrame) -> None:
    scored = in_naive_errors(cells, _forecasts(cells, worse=0.1))
    groups = summarise(scored, [FULL, WITHOUT], SEEDS)
    known = cells["actual"].notna()
    assert len(scored) == known.sum() == groups["week"]["cells"]
    assert groups["new_week"]["cells"] == (known & (cells["observed_days"] < 7)).sum()
    new_next_day = (scored["horizon"] == 1) & (scored["observed_days"] == 3)
    assert groups["new_next_day"]["cells"] == new_next_day.sum()
    assert groups["next_day"]["baselines"]["naive"] == groups["week"]["baselines"]["naive"] == 1


def test_a_day_further_ahead_counts_no_more_than_the_next(cells: pd.DataFrame) -> None:
    far = cells["horizon"] == 7
    tenfold = cells.copy()
    columns = ["actual", "naive", "chart_weekday"]
    tenfold.loc[far, columns] *= 10
    forecasts = _forecasts(cells, worse=0.1)
    larger = {name: np.where(far, 10 * values, values) for name, values in forecasts.items()}
    one, other = (
        summarise(in_naive_errors(c, f), [FULL], SEEDS)["week"]["variants"]["full"]["to_naive"]
        for c, f in ((cells, forecasts), (tenfold, larger))
    )
    assert one == pytest.approx(other)


@pytest.mark.parametrize(
    ("change", "spread", "low", "high", "said"),
    [
        (0.001, 0.002, 0.99, 1.01, REDUNDANT),
        (0.003, 0.002, 0.99, 1.01, UNCLEAR),  # every seed is worse without it
        (0.003, 0.02, 0.99, 1.01, UNCLEAR),  # seeds that differ so much would hide any change
        (0.02, 0.002, 1.01, 1.05, NEEDED),
        (0.02, 0.03, 1.01, 1.05, UNCLEAR),  # by one seed alone
        (-0.02, 0.002, 0.95, 0.99, HARMFUL),
        (0.001, None, 0.99, 1.01, UNCLEAR),  # one seed tells of no spread
    ],
)
def test_what_may_be_said(change: float, spread: float | None, low: float, high: float, said: str) -> None:
    assert judge(change, spread, low, high) == said
