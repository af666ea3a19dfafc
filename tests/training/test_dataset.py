"""Examples hold every target of a period once, and nothing that lies after it."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from app.forecasting.scaling import unscale_log_ratio
from app.forecasting.spec import ForecastSpec
from app.forecasting.track_covariates import LEAD_IN
from app.forecasting.windows import build_windows
from tests.panels import build_long_panel, with_streams
from training.dataset import (
    TARGET_STEPS,
    Examples,
    _stretches,
    build_examples,
    build_market_examples,
    concatenate,
)
from training.panel import Panel

SPEC = ForecastSpec()
AFTER, THROUGH = 390, 480  # indices of days: a debut, gaps and days without a chart lie between
STEPS = SPEC.context_length - 1 + TARGET_STEPS


@pytest.fixture(scope="module")
def long_panel() -> Panel:
    return build_long_panel()


def _build(panel: Panel, after: int = AFTER, through: int = THROUGH, power: float = 1.0) -> Examples:
    return build_examples(panel, SPEC, after=panel.days[after], through=panel.days[through], power=power)


def _targets_there_are(panel: Panel) -> dict[tuple[int, int, int], float]:
    """(track, cutoff, days ahead) -> streams, of every forecast that can be learned from.

    Where a day on the way has no movement of the chart, what the track did beyond it is unknown.
    """
    observed = np.isfinite(panel.streams)
    moved = np.isfinite(panel.market.movement)
    found = {}
    for track in range(len(panel.track_ids)):
        for cutoff in range(THROUGH):
            if not observed[track, max(cutoff - LEAD_IN, 0) : cutoff + 1].any():
                continue
            for horizon in range(1, SPEC.horizon + 1):
                day = cutoff + horizon
                if AFTER < day <= THROUGH and observed[track, day] and moved[cutoff + 1 : day + 1].all():
                    found[track, cutoff, horizon] = float(panel.streams[track, day])
    return found


def test_every_target_of_the_period_is_there_once_and_inverts_to_its_streams(long_panel: Panel) -> None:
    examples = _build(long_panel)
    known = long_panel.until(long_panel.days[THROUGH])
    tracks, ends = _stretches(known, long_panel.days[AFTER], SPEC)
    windows = build_windows(known.history(tracks, ends, LEAD_IN + STEPS), known.covariates, SPEC)
    # the stretches that hold a target are those that were kept, in their order
    kept = [
        i
        for i in range(len(tracks))
        if (windows.covariates[i] == examples.inputs["covariates"]).all((1, 2)).any()
    ]
    assert len(kept) == len(examples) == len(set(kept))
    movement = np.concatenate([np.log(known.market.movement), np.full(SPEC.horizon, np.nan)])
    times: Counter[tuple[int, int, int]] = Counter()
    streams: dict[tuple[int, int, int], float] = {}
    for row, stretch in enumerate(kept):
        targets = examples.targets[row, :, : SPEC.horizon]
        for step, ahead in zip(*np.nonzero(np.isfinite(targets)), strict=True):
            cell = (int(tracks[stretch]), int(ends[stretch]) - STEPS + 1 + int(step), int(ahead) + 1)
            times[cell] += 1
            beyond = float(unscale_log_ratio(targets[step, ahead].astype(float)))
            chart = windows.since_last[stretch, step] + movement[cell[1] + 1 : cell[1] + 1 + cell[2]].sum()
            streams[cell] = float(np.exp(beyond + windows.log_last[stretch, step] + chart))
    expected = _targets_there_are(long_panel)
    assert times.keys() == expected.keys()
    assert set(times.values()) == {1}
    assert all(AFTER < cutoff + ahead <= THROUGH for _, cutoff, ahead in times)
    for cell, actual in expected.items():
        assert streams[cell] == pytest.approx(actual, rel=1e-5)


def test_the_first_steps_of_a_stretch_only_warm_up(long_panel: Panel) -> None:
    examples = _build(long_panel)
    assert examples.inputs["covariates"].shape[1:] == (STEPS, len(SPEC.covariates))
    assert not np.isfinite(examples.targets[:, : SPEC.context_length - 1]).any()
    assert np.isfinite(examples.targets[:, SPEC.context_length - 1]).any()


def test_what_lies_after_the_period_changes_nothing_in_it(long_panel: Panel) -> None:
    streams = long_panel.streams.copy()
    streams[:, THROUGH + 1 :] = np.where(np.arange(len(streams)) % 2, 9e6, np.nan)[:, None]
    streams[5, THROUGH + 1 :] = 3.0
    expected = _build(long_panel)
    shorter = replace(
        long_panel,
        days=long_panel.days[: THROUGH + 1],
        streams=long_panel.streams[:, : THROUGH + 1],
        positions=long_panel.positions[:, : THROUGH + 1],
    )
    for changed in (with_streams(long_panel, streams), shorter):
        found = _build(changed)
        np.testing.assert_array_equal(found.inputs["covariates"], expected.inputs["covariates"])
        np.testing.assert_array_equal(found.targets, expected.targets)
        np.testing.assert_array_equal(found.weights, expected.weights)


def test_a_training_and_a_validation_period_share_no_target(long_panel: Panel) -> None:
    whole, first, second = _build(long_panel), _build(long_panel, through=440), _build(long_panel, after=440)
    counts = [int(np.isfinite(examples.targets).sum()) for examples in (whole, first, second)]
    assert counts[0] == counts[1] + counts[2]


def test_steps_weigh_by_their_streams_and_one_on_average(long_panel: Panel) -> None:
    for power in (0.0, 0.5, 1.0):
        examples = _build(long_panel, power=power)
        scored = np.isfinite(examples.targets).any(axis=2)
        assert examples.weights[scored].mean() == pytest.approx(1, rel=1e-5)
        assert not examples.weights[~scored].any()
    assert (_build(long_panel, power=0.0).weights[scored] == 1).all()
    tenfold = with_streams(long_panel, long_panel.streams * 10)
    np.testing.assert_allclose(_build(tenfold).weights, _build(long_panel).weights, rtol=1e-5)


def test_metadata_are_there_for_a_model_that_wants_them(long_panel: Panel) -> None:
    assert sorted(_build(long_panel).inputs) == ["covariates"]
    period = {"after": long_panel.days[AFTER], "through": long_panel.days[THROUGH]}
    examples = build_examples(long_panel, SPEC.with_metadata(), **period, power=1.0)
    assert examples.inputs["static"].shape == (len(examples), 26)
    assert examples.inputs["artist"].shape == (len(examples), STEPS, 2)


def test_the_market_is_learned_beyond_its_rhythm_and_from_the_days_up_to_a_day_alone(
    long_panel: Panel,
) -> None:
    through = long_panel.days[THROUGH]
    examples = build_market_examples(long_panel, SPEC, through=through)
    assert examples.inputs["market"].shape[1:] == (42, len(SPEC.market_covariates))
    assert not np.isfinite(examples.targets[:, :14]).any()
    known = long_panel.until(through)
    tomorrow = np.log(known.market.movement[1:]) - known.covariates.rhythm[:-2, 0]
    np.testing.assert_allclose(examples.targets[0, 14:-1, 0], 10 * tomorrow[-28:][1:], rtol=1e-5)
    assert np.isnan(examples.targets[0, -1]).all()  # the last day's morrow is not known yet
    streams = long_panel.streams.copy()
    streams[:, THROUGH + 1 :] = 7.0
    changed = build_market_examples(with_streams(long_panel, streams), SPEC, through=through)
    np.testing.assert_array_equal(changed.targets, examples.targets)
    np.testing.assert_array_equal(changed.inputs["market"], examples.inputs["market"])


def test_a_market_of_too_few_days_is_refused(long_panel: Panel) -> None:
    with pytest.raises(ValueError, match="43 days of charts are too few"):
        build_market_examples(long_panel, SPEC, through=long_panel.days[42])


def test_the_examples_of_several_regions_are_joined(long_panel: Panel) -> None:
    one, other = _build(long_panel), _build(long_panel, through=420)
    both = concatenate([one, other])
    assert len(both) == len(one) + len(other)
    np.testing.assert_array_equal(both.targets[len(one) :], other.targets)
    np.testing.assert_array_equal(both.inputs["covariates"][: len(one)], one.inputs["covariates"])


def test_a_period_without_a_target_is_refused(long_panel: Panel) -> None:
    with pytest.raises(ValueError, match=r"no target after .* and up to"):
        _build(long_panel, after=440, through=441)  # days without a chart
    with pytest.raises(ValueError, match="is not between"):
        build_examples(long_panel, SPEC, after=long_panel.days[0], through=long_panel.days[-1] + 1, power=1.0)


def test_a_track_is_learned_with_the_chart_too_whose_movement_the_windows_base_expects(
    long_panel: Panel,
) -> None:
    examples = _build(long_panel)
    beyond, at_once = np.split(examples.targets.astype(float), 2, axis=2)
    known = long_panel.until(long_panel.days[THROUGH])
    tracks, ends = _stretches(known, long_panel.days[AFTER], SPEC)
    windows = build_windows(known.history(tracks, ends, LEAD_IN + STEPS), known.covariates, SPEC)
    row = int(np.flatnonzero(np.isfinite(beyond[:, -2, 0]))[0])
    stretch = next(
        i for i in range(len(tracks)) if (windows.covariates[i] == examples.inputs["covariates"][row]).all()
    )
    day = int(ends[stretch]) - 1
    expected = windows.base[stretch, -2, 0] - windows.since_last[stretch, -2]
    actual = np.log(known.market.movement[day + 1])
    assert at_once[row, -2, 0] - beyond[row, -2, 0] == pytest.approx(10 * (actual - expected), rel=1e-4)


def test_steps_that_do_not_count_bear_no_weight_and_stretches_without_one_are_left_out(
    long_panel: Panel,
) -> None:
    examples = _build(long_panel)
    counts = np.zeros(examples.weights.shape, bool)
    row, step = np.argwhere(examples.weights > 0)[0]
    counts[row, step] = True
    kept = examples.where(counts)
    assert len(kept) == 1
    assert kept.weights.sum() == kept.weights[0, step] == pytest.approx(1)
    with pytest.raises(ValueError, match="no step of the period counts"):
        examples.where(np.zeros_like(counts))
