"""Each variant lacks what it says, in both parts of the model, and reads nothing after a cutoff."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from app.forecasting.history import Floats
from app.forecasting.market import Calendar
from app.forecasting.spec import ForecastSpec
from app.forecasting.track_covariates import LEAD_IN
from app.forecasting.windows import Windows, build_windows
from tests.panels import DEBUT, build_long_panel, rank, with_streams
from training.cutting import build_windows_at
from training.dataset import build_examples, build_market_examples
from training.panel import Panel
from training.recipes import Plan
from training.systems.ablation.study import choose_variants
from training.systems.ablation.variants import FULL, VARIANTS, Variant

OF = {variant.name: variant for variant in VARIANTS}
CUTOFF = 500  # an index of a day; a gap of three weeks and a debut lie before it
Change = Callable[[Panel], Panel]


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Ten tracks, of which the first has the fewest streams from ``CUTOFF`` on."""
    panel = build_long_panel()
    streams = panel.streams.copy()
    streams[0, CUTOFF:] = 7000.0
    streams[:, CUTOFF] = np.where(np.isfinite(streams[:, CUTOFF]), streams[:, CUTOFF], 20_000.0)
    return with_streams(panel, streams)


def _spec(variant: Variant) -> ForecastSpec:
    return Plan(variant.model, np.datetime64("2020-06-30"), inputs=variant.inputs).spec


def _windows(variant: Variant, panel: Panel, tracks: slice = slice(None)) -> Windows:
    """Of tracks at ``CUTOFF``, as the variant sees the charts."""
    charts, rows = variant.charts(panel), np.arange(len(panel.track_ids))[tracks]
    length = LEAD_IN + variant.context_length
    history = charts.history(rows, np.full_like(rows, CUTOFF), length)
    return build_windows(history, charts.covariates, _spec(variant))


def _shared(variant: Variant, panel: Panel) -> np.ndarray:
    """What the market's part learns from up to ``CUTOFF``."""
    spec, charts = _spec(variant), variant.charts(panel)
    return build_market_examples(charts, spec, through=panel.days[CUTOFF]).inputs["market"]


def _with_other_holidays(panel: Panel) -> Panel:
    days = panel.calendar.days
    return replace(panel, calendar=Calendar(days, np.where(np.arange(len(days)) % 11 == 3, 5, 0)))


def _with_another_chart_at_the_cutoff(panel: Panel) -> Panel:
    """All tracks but the first gain: the market moves, the first track's streams and the smallest do not."""
    streams = panel.streams.copy()
    streams[1:, CUTOFF] *= 1.7
    return replace(panel, streams=streams)


def _with_other_positions(panel: Panel) -> Panel:
    return replace(panel, positions=panel.positions + 90)


def _released_at_other_times(panel: Panel) -> Panel:
    return replace(panel, release_days=np.full_like(panel.release_days, panel.days[0] - 400))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("holidays", _with_other_holidays),
        ("calendar", _with_other_holidays),
        ("market", _with_another_chart_at_the_cutoff),
        ("position", _with_other_positions),
        ("age", _released_at_other_times),
    ],
)
def test_changing_what_is_left_out_changes_nothing_in_the_windows(
    panel: Panel, name: str, change: Change
) -> None:
    first, changed = slice(0, 1), change(panel)
    found, before = (_windows(OF[name], each, first).covariates for each in (changed, panel))
    np.testing.assert_array_equal(found, before)
    found, before = (_windows(FULL, each, first).covariates for each in (changed, panel))
    assert not np.array_equal(found, before)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("holidays", _with_other_holidays),
        ("calendar", _with_other_holidays),
        ("market", _with_another_chart_at_the_cutoff),
    ],
)
def test_what_is_left_out_is_left_out_of_the_markets_part_too(
    panel: Panel, name: str, change: Change
) -> None:
    np.testing.assert_array_equal(_shared(OF[name], change(panel)), _shared(OF[name], panel))
    assert not np.array_equal(_shared(FULL, change(panel)), _shared(FULL, panel))


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v.left_out], ids=lambda v: v.name)
def test_no_part_sees_a_covariate_that_is_left_out(panel: Panel, variant: Variant) -> None:
    whole, spec = ForecastSpec(), _spec(variant)
    assert set(variant.left_out) == set(whole.covariates).difference(spec.covariates)
    assert not set(variant.left_out).intersection(spec.market_covariates)
    assert _windows(variant, panel).covariates.shape[2] == len(whole.covariates) - len(variant.left_out)


def test_of_the_level_nothing_is_left(panel: Panel) -> None:
    rows = np.arange(3)
    history = panel.history(rows, np.full_like(rows, CUTOFF), LEAD_IN + 28)
    lower = replace(panel.covariates, log_threshold=panel.covariates.log_threshold - 1)
    for variant, same in ((OF["level"], True), (FULL, False)):
        one, other = (build_windows(history, m, variant.inputs) for m in (panel.covariates, lower))
        assert np.array_equal(one.covariates, other.covariates) == same


def test_of_the_age_nothing_is_left(panel: Panel) -> None:
    """An earlier debut, and more days observed since."""
    rows = np.arange(3)
    history = panel.history(rows, np.full_like(rows, CUTOFF), LEAD_IN + 28)
    older = replace(history, first_days=history.first_days - 90, observed_before=history.observed_before + 60)
    for variant, same in ((OF["age"], True), (FULL, False)):
        one, other = (build_windows(each, panel.covariates, variant.inputs) for each in (history, older))
        assert np.array_equal(one.covariates, other.covariates) == same


def test_without_the_rhythm_forecasts_build_on_what_the_market_did_alone(panel: Panel) -> None:
    windows, full = (_windows(variant, panel) for variant in (OF["weekday"], FULL))
    np.testing.assert_array_equal(windows.last_base, np.repeat(windows.since_last[:, -1:], 7, axis=1))
    assert np.abs(full.last_base - windows.last_base).max() > 0.05
    known = OF["weekday"].charts(panel).until(panel.days[CUTOFF])  # as it is learned from
    assert not known.covariates.rhythm.any()
    week, targets = (
        build_market_examples(charts, variant.inputs, through=panel.days[CUTOFF]).targets
        for charts, variant in ((known, OF["weekday"]), (panel, FULL))
    )
    assert not np.array_equal(week, targets, equal_nan=True)  # the market's part has the rhythm to learn


@pytest.mark.parametrize(
    ("name", "input_"),
    [
        ("sound", "static"),
        ("artist", "artist"),
        ("unknown metadata", "static"),
        ("unknown metadata", "artist"),
    ],
)
def test_of_the_metadata_nothing_is_left(panel: Panel, name: str, input_: str) -> None:
    other = replace(panel, features=panel.features / 2 + 0.1, artists=np.zeros_like(panel.artists))
    found, before, full = (
        getattr(_windows(variant, charts), input_)
        for variant, charts in ((OF[name], other), (OF[name], panel), (OF["multi_input"], panel))
    )
    np.testing.assert_array_equal(found, before)
    assert not found.any()
    assert full.any()


def test_a_short_gap_is_interpolated_and_a_long_one_is_not(panel: Panel) -> None:
    streams = panel.streams.copy()
    streams[5, 470:481] = [100.0, *[np.nan] * 4, 600.0, *[np.nan] * 3, 200.0, 300.0]
    panel = with_streams(panel, streams)
    charts = OF["gaps interpolated"].charts(panel)
    history = charts.history(np.array([5, 2]), np.array([CUTOFF, CUTOFF]), 90)
    from_gap = history.streams[0, 470 - CUTOFF - 1 : 481 - CUTOFF - 1]
    np.testing.assert_allclose(from_gap, [100, 200, 300, 400, 500, 600, 500, 400, 300, 200, 300])
    assert np.isnan(history.streams[1, 431 - CUTOFF - 1 : 455 - CUTOFF - 1]).all()
    assert np.isfinite(history.positions[0, 470 - CUTOFF - 1 : 481 - CUTOFF - 1]).all()


def test_a_day_off_the_chart_is_one_without_streams_but_for_those_before_the_debut(panel: Panel) -> None:
    charts = OF["gaps as zeros"].charts(panel)
    history = charts.history(np.array([1, 2]), np.array([CUTOFF, CUTOFF]), CUTOFF + 1)
    first = int(panel.first_index[1])
    assert first >= DEBUT
    assert np.isnan(history.streams[0, :first]).all()
    assert np.isfinite(history.streams[0, first:]).all()
    assert (history.streams[1, 430:455] == 0).all()
    assert (history.positions[1, 430:455] == 201).all()


@pytest.mark.parametrize("name", ["gaps as zeros", "gaps interpolated"])
def test_filling_gaps_leaves_the_chart_its_market_and_its_targets_as_they_are(
    panel: Panel, name: str
) -> None:
    charts = OF[name].charts(panel)
    assert charts.streams is panel.streams
    np.testing.assert_array_equal(charts.covariates.table, panel.covariates.table)
    period = {"after": panel.days[420], "through": panel.days[CUTOFF]}
    made = build_examples(charts, FULL.inputs, **period, power=0.0)
    of_filled = build_examples(charts.filled, FULL.inputs, **period, power=0.0)  # type: ignore[attr-defined]
    count = [int(np.isfinite(each.targets).sum()) for each in (made, of_filled)]
    assert count[0] < count[1]  # no target is a filled day


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.name)
def test_shuffling_what_comes_after_a_cutoff_changes_no_input_of_a_forecast(
    panel: Panel, variant: Variant
) -> None:
    streams = panel.streams.copy()
    later = streams[:, CUTOFF + 1 :]
    later[:] = np.random.Generator(np.random.PCG64(5)).permutation(3 * later.ravel()).reshape(later.shape)
    known = np.arange(streams.shape[1]) <= CUTOFF
    shuffled = replace(panel, streams=streams, positions=np.where(known, panel.positions, rank(streams)))
    tracks, days = np.nonzero(np.isfinite(panel.streams[:, CUTOFF - 2 : CUTOFF + 1]))
    found, before = (
        build_windows_at(variant.charts(charts), tracks, days + CUTOFF - 2, _spec(variant))
        for charts in (shuffled, panel)
    )
    for name in ("covariates", "static", "artist", "log_last", "last_base"):
        np.testing.assert_array_equal(getattr(found, name), getattr(before, name), err_msg=name)


def test_songs_observed_on_too_few_days_are_not_learned_from(panel: Panel) -> None:
    period = {"after": panel.days[300], "through": panel.days[CUTOFF]}
    counts = np.isfinite(panel.streams[:, : CUTOFF + 1]).sum(axis=1)
    least = int(np.median(counts))
    chosen = panel.streams[counts >= least]
    assert 0 < len(chosen) < len(panel.streams)
    made = build_examples(panel, FULL.inputs, **period, power=0.0, least_observed=least)
    found = int(np.isfinite(made.targets[:, :, 0]).sum())
    assert found == _next_day_targets(chosen, np.isfinite(panel.market.movement), 300, CUTOFF)


def _next_day_targets(streams: Floats, moved: np.ndarray, after: int, through: int) -> int:
    """How many of some songs there are, where the whole chart's movement is known."""
    total = 0
    for series in streams:
        for day in range(after + 1, through + 1):
            near: Floats = series[max(day - 1 - LEAD_IN, 0) : day]
            total += bool(np.isfinite(series[day]) and moved[day] and np.isfinite(near).any())
    return total


def test_what_is_held_against_another_brings_it_along() -> None:
    assert [v.name for v in choose_variants(["artist"])] == ["full", "multi_input", "artist"]
    assert [v.name for v in choose_variants(["log"])] == ["full", "log"]
    assert choose_variants([]) == list(VARIANTS)
    with pytest.raises(ValueError, match="there is no variant sleep; there are full, log"):
        choose_variants(["sleep"])


def test_the_market_is_learned_anew_where_it_sees_something_else() -> None:
    anew = {v.name for v in VARIANTS if not v.shares_market}
    assert anew == {
        *("log", "scales", "min-max", "market", "holidays", "calendar"),
        *("weekday", "weekday flags", "regression"),
    }
