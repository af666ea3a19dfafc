"""The plain LSTM of artists: what it sees, and that it sees no further."""

from dataclasses import replace

import numpy as np
import pytest

from tests.training.systems.artists.conftest import TRAINED, shuffle_after
from training.panel import Panel
from training.systems.artists.sums import build_growth, build_series
from training.systems.artists.trend import (
    CONTEXT,
    HORIZON,
    TrendSettings,
    build_inputs,
    build_trend_examples,
    fit_trend,
    forecast_growth,
)

SETTINGS = TrendSettings(units=4, max_epochs=2, learning_rate=1e-2, every=9)


def test_inputs_are_levels_beside_the_cutoffs_with_gaps_marked(long_panel: Panel) -> None:
    series = build_series(long_panel)
    inputs = build_inputs(series, np.array([0, 1]), np.array([200, 3]))
    assert inputs.shape == (2, CONTEXT, 2)
    assert (inputs[:, -1] == [0, 1]).all()
    assert not inputs[1, : CONTEXT - 4].any()  # before the first day
    known = np.isfinite(series[0, 200 - CONTEXT + 1 : 201])
    np.testing.assert_array_equal(inputs[0, :, 1] == 1, known)
    expected = 10 * np.log(series[0, 190] / series[0, 200])
    assert inputs[0, -11, 0] == pytest.approx(expected, rel=1e-5)


def test_examples_hold_each_target_of_the_period_and_no_other(long_panel: Panel) -> None:
    days, growth = long_panel.days, build_growth(long_panel, HORIZON)
    examples = build_trend_examples(
        long_panel, after=days[100], through=days[110], settings=replace(SETTINGS, every=1)
    )
    ahead = np.arange(growth.shape[1])[:, None] + 1 + np.arange(HORIZON)
    counted = np.isfinite(growth) & (ahead > 100) & (ahead <= 110)
    assert (examples.weights > 0).sum() == counted.sum()
    np.testing.assert_allclose(
        np.sort(examples.targets[examples.weights > 0][:, 0]), np.sort(10 * growth[counted]), rtol=1e-5
    )
    with pytest.raises(ValueError, match="no artist has a target"):
        build_trend_examples(long_panel, after=days[440], through=days[441], settings=SETTINGS)


def test_it_learns(long_panel: Panel) -> None:
    days = long_panel.days
    model = fit_trend(
        [long_panel], train_through=days[TRAINED], validate_through=days[TRAINED + 40], settings=SETTINGS
    )
    losses = model.history.history["loss"]
    assert losses[-1] < losses[0]
    growth = forecast_growth(model, build_series(long_panel), np.array([0, 1]), np.array([300, 310]))
    assert growth.shape == (2, HORIZON)
    assert (growth > 0).all()


def test_what_comes_after_a_period_changes_none_of_its_examples(long_panel: Panel) -> None:
    period = {"after": long_panel.days[TRAINED], "through": long_panel.days[TRAINED + 40]}
    before, after = (
        build_trend_examples(panel, **period, settings=SETTINGS)
        for panel in (long_panel, shuffle_after(long_panel, TRAINED + 40))
    )
    for name in ("inputs", "targets", "weights"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
