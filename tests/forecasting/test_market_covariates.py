"""The channels that tracks share: made from a day and earlier ones, and equal to what a hand works out."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from app.forecasting.history import Floats
from app.forecasting.market import WEEKS, Calendar, Market, chart_ratio, chart_weekday
from app.forecasting.market_covariates import (
    DAYS_AFTER,
    MarketBuilder,
    MarketCovariates,
    build_market_covariates,
)
from tests.panels import DAYS, build_long_panel

FIRST = np.datetime64("2019-01-01", "D")


def _build(movement: Floats, holidays: dict[int, int] | None = None) -> MarketCovariates:
    """Of a market that begins on 1 January 2019: holidays are day (an index) -> its number."""
    n_days = len(movement)
    numbers = np.zeros(n_days + DAYS_AFTER, dtype=np.int64)
    for day, number in (holidays or {}).items():
        numbers[day] = number
    days = FIRST + np.arange(n_days + DAYS_AFTER)
    market = Market(days=days[:n_days], movement=movement, threshold=np.full(n_days, 50.0))
    return build_market_covariates(market, Calendar(days=days, holidays=numbers))


def _channel(covariates: MarketCovariates, name: str) -> NDArray[np.float32]:
    return covariates.table[:-1, covariates.names.index(name)]


def _index(day: str) -> int:
    return int((np.datetime64(day, "D") - FIRST).astype(int))


@pytest.mark.parametrize("day", [0, 5, 100, 400, 450, DAYS - 2])
def test_a_row_reads_its_own_day_and_earlier_ones(day: int) -> None:
    panel = build_long_panel()
    movement, threshold = panel.market.movement.copy(), panel.market.threshold.copy()
    random = np.random.Generator(np.random.PCG64(day))
    movement[day + 1 :] = np.exp(random.normal(0, 1, DAYS - day - 1))
    threshold[day + 1 :] = np.nan
    changed = replace(panel.market, movement=movement, threshold=threshold)
    before, after = (build_market_covariates(market, panel.calendar) for market in (panel.market, changed))
    np.testing.assert_array_equal(after.table[: day + 1], before.table[: day + 1])
    np.testing.assert_array_equal(after.rhythm[: day + 1], before.rhythm[: day + 1])
    np.testing.assert_array_equal(after.movement[: day + 1], before.movement[: day + 1])
    np.testing.assert_array_equal(after.log_threshold[: day + 1], before.log_threshold[: day + 1])
    # ... and nothing more is needed to make it than the days up to it
    cut = Market(panel.days[: day + 1], panel.market.movement[: day + 1], panel.market.threshold[: day + 1])
    short = build_market_covariates(cut, panel.calendar)
    np.testing.assert_array_equal(short.table[:-1], before.table[: day + 1])
    np.testing.assert_array_equal(short.rhythm[:-1], before.rhythm[: day + 1])


def test_the_row_before_the_first_day_is_zeros() -> None:
    covariates = _build(np.full(60, 1.1))
    assert not covariates.table[-1].any()
    assert not covariates.rhythm[-1].any()


def _charts(n_tracks: int) -> list[dict[str, int]]:
    """Eight weeks of charts: tracks come and go, some days have no chart, some entries no streams."""
    random = np.random.Generator(np.random.PCG64(n_tracks))
    charts: list[dict[str, int]] = []
    for day in range(56):
        charting = random.random(n_tracks) < 0.9
        streams = random.integers(0 if day % 10 == 3 else 50, 1000, n_tracks)
        charts.append({f"t{i}": int(streams[i]) for i in range(n_tracks) if charting[i]})
    for day in (9, 23, 24, 40):
        charts[day] = {}
    return charts


@pytest.mark.parametrize("n_tracks", [1, 6, 7])
def test_the_weekly_rhythm_is_the_baselines_up_to_how_an_even_count_is_halved(n_tracks: int) -> None:
    charts = _charts(n_tracks)
    found = [chart_ratio(later, earlier) for later, earlier in zip(charts[1:], charts[:-1], strict=True)]
    movement = np.array([np.nan, *(np.nan if ratio is None else ratio for ratio in found)])
    covariates = _build(movement)
    odd = even = 0
    for day in range(len(charts) - 1):
        steps = [(day + 1 - 7 * k, day - 7 * k) for k in range(1, WEEKS + 1)]
        ratios = [chart_ratio(charts[t], charts[s]) if s >= 0 else None for t, s in steps]
        known = [ratio for ratio in ratios if ratio is not None]
        baseline = np.log(chart_weekday(1.0, ratios))
        # The baseline halves ratios, the base of the models log-ratios: the same for an odd count.
        if len(known) % 2:
            odd += 1
            assert covariates.rhythm[day, 0] == pytest.approx(baseline)
        elif known:
            even += 1
            assert covariates.rhythm[day, 0] == pytest.approx(np.median(np.log(known)))
            assert covariates.rhythm[day, 0] <= baseline + 1e-12  # a geometric mean, and an arithmetic one
        else:
            assert covariates.rhythm[day, 0] == 0
        assert _channel(covariates, "chart_weekday_count")[day] == len(known) / WEEKS
    assert odd > 5
    assert even > 5


def test_the_rhythm_further_ahead_sums_the_days_steps() -> None:
    movement = np.ones(70)
    movement[3::7] = 1.5  # one day a week, and back on the next
    movement[4::7] = 1 / 1.5
    covariates = _build(movement)
    day = 58  # the next one moves up
    expected = np.log([1.5, 1, 1, 1, 1, 1, 1])
    np.testing.assert_allclose(covariates.rhythm[day], expected, atol=1e-12)
    np.testing.assert_allclose(covariates.rhythm[day - 1, :3], np.log([1, 1.5, 1]), atol=1e-12)
    assert _channel(covariates, "chart_weekday")[day] == pytest.approx(10 * np.log(1.5))


def test_a_miss_is_what_the_market_did_beyond_its_rhythm() -> None:
    movement = np.ones(50)
    movement[40] = 1.3
    covariates = _build(movement)
    assert _channel(covariates, "market_miss")[40] == pytest.approx(10 * np.log(1.3))
    assert _channel(covariates, "market_movement")[40] == pytest.approx(10 * np.log(1.3))
    assert not _channel(covariates, "market_miss")[41:].any()  # one week of four does not move the median
    assert _channel(covariates, "chart_weekday_last")[46] == pytest.approx(10 * np.log(1.3))
    assert _channel(covariates, "chart_weekday_mean")[46] == pytest.approx(10 * np.log(1.3) / 4)


def test_an_unknown_movement_is_masked() -> None:
    movement = np.full(50, 1.2)
    movement[[0, 30]] = np.nan
    covariates = _build(movement)
    assert not _channel(covariates, "market_movement")[[0, 30]].any()
    assert list(np.flatnonzero(_channel(covariates, "market_known") == 0)) == [0, 30]
    assert not _channel(covariates, "market_miss")[30]


def test_a_holiday_is_remembered_with_the_days_beside_it() -> None:
    holiday = 5
    movement = np.ones(90)
    movement[10], movement[11] = np.exp(-0.3), np.exp(0.2)  # the holiday, and the day after it
    movement[39], movement[40] = np.exp(0.4), np.exp(-0.1)  # a day before it, and the second occurrence
    covariates = _build(movement, {10: holiday, 40: holiday, 80: holiday})
    memory, count = (_channel(covariates, name) for name in ("holiday_memory", "holiday_memory_count"))
    assert (memory[9], count[9]) == (0, 0)  # tomorrow is its first occurrence: nothing to remember
    assert memory[38] == pytest.approx(0)  # tomorrow is the day before one: nothing happened on the first
    assert count[38] == 0.25
    assert memory[39] == pytest.approx(-3)
    assert memory[40] == pytest.approx(2)
    assert memory[78] == pytest.approx(10 * (0 + 0.4) / 2)
    assert memory[79] == pytest.approx(10 * (-0.3 - 0.1) / 2)
    assert memory[80] == pytest.approx(10 * (0.2 + 0) / 2)
    assert count[79] == 0.5
    assert not memory[60]
    assert not count[60]


def test_other_holidays_remember_other_things() -> None:
    movement = np.ones(60)
    movement[10] = np.exp(-0.3)
    covariates = _build(movement, {10: 5, 40: 6, 50: 5})
    memory = _channel(covariates, "holiday_memory")
    assert not memory[39]
    assert memory[49] == pytest.approx(-3)


def test_a_year_ago_is_the_same_date_of_the_year_before() -> None:
    movement = np.ones(600)
    movement[_index("2019-03-05")] = np.exp(0.15)
    movement[_index("2019-03-01")] = np.exp(0.05)
    covariates = _build(movement)
    miss, known = (_channel(covariates, name) for name in ("last_year_miss", "last_year_known"))
    assert miss[_index("2020-03-04")] == pytest.approx(1.5)  # of tomorrow, the 5th
    assert miss[_index("2020-02-29")] == pytest.approx(0.5)
    assert known[_index("2020-03-04")] == 1
    assert known[_index("2020-02-28")] == 0  # tomorrow is 29 February: there was none
    assert not known[: _index("2019-12-31")].any()
    assert known[_index("2019-12-31")] == 1  # tomorrow is 1 January 2020, and 1 January 2019 is day 0


def test_the_calendar_speaks_of_the_days_ahead() -> None:
    covariates = _build(np.ones(400), {50: 9})
    assert _channel(covariates, "holiday_today")[50] == 1
    for step in range(1, 8):
        assert _channel(covariates, f"holiday_{step}")[50 - step] == 1
        assert _channel(covariates, f"holiday_{step}").sum() == 1
    expected = {
        "weekday_sun": "2019-03-02",
        "christmas_eve": "2019-12-23",
        "christmas_day": "2019-12-24",
        "new_year_eve": "2019-12-30",
        "new_year_day": "2019-12-31",
        "month_end": "2019-02-27",
        "mid_month": "2019-06-14",
    }
    for name, day in expected.items():
        assert _channel(covariates, name)[_index(day)] == 1, name
        assert _channel(covariates, name)[_index(day) - 1] == 0, name
    past = _channel(covariates, "christmas_past")
    assert past[_index("2019-12-25")] == 1
    assert past[_index("2020-01-01")] == pytest.approx(0.5)
    assert not past[_index("2019-12-24")]
    assert not past[_index("2020-01-08")]


def test_the_threshold_of_a_day_without_a_chart_is_the_last_one_known() -> None:
    days = FIRST + np.arange(6 + DAYS_AFTER)
    threshold = np.array([np.nan, 100, np.nan, np.nan, 300, np.nan])
    market = Market(days=days[:6], movement=np.full(6, np.nan), threshold=threshold)
    covariates = build_market_covariates(market, Calendar(days, np.zeros(len(days), dtype=np.int64)))
    np.testing.assert_allclose(covariates.log_threshold, [0, *np.log([100, 100, 100, 300, 300])])


def test_a_calendar_that_ends_too_soon_or_begins_elsewhere_is_refused() -> None:
    days = FIRST + np.arange(40)
    market = Market(days=days[:33], movement=np.ones(33), threshold=np.ones(33))
    with pytest.raises(ValueError, match="8 days after them"):
        build_market_covariates(market, Calendar(days, np.zeros(40, dtype=np.int64)))
    with pytest.raises(ValueError, match="span the market's days"):
        build_market_covariates(market, Calendar(days + 1, np.zeros(40, dtype=np.int64)))


def _log_threshold(threshold: Floats) -> Floats:
    days = FIRST + np.arange(len(threshold) + DAYS_AFTER)
    market = Market(days=days[:-DAYS_AFTER], movement=np.full(len(threshold), np.nan), threshold=threshold)
    calendar = Calendar(days, np.zeros(len(days), dtype=np.int64))
    return build_market_covariates(market, calendar).log_threshold


@pytest.mark.parametrize("wrong", [0.0, 1.0, 50_000.0])
def test_one_wrong_smallest_value_hardly_moves_the_threshold(wrong: float) -> None:
    threshold = np.full(30, 100.0)
    threshold[20] = wrong
    found = _log_threshold(threshold)
    np.testing.assert_allclose(np.delete(found, 20), np.log(100))
    assert abs(found[20] - np.log(100)) <= 1.5


def test_a_threshold_that_stays_where_it_went_is_followed() -> None:
    found = _log_threshold(np.where(np.arange(30) < 20, 100.0, 10_000.0))
    np.testing.assert_allclose(found[24:], np.log(10_000))


def test_a_market_that_goes_on_is_learned_from_where_it_stood() -> None:
    panel = build_long_panel()
    builder = MarketBuilder(panel.calendar)
    for n_days in (5, 6, 40, 90, 91, 98, 99, 99, 200, 517, len(panel.days)):
        known = slice(n_days)
        market = Market(panel.market.days[known], panel.market.movement[known], panel.market.threshold[known])
        found, expected = builder.build(market), build_market_covariates(market, panel.calendar)
        np.testing.assert_array_equal(found.table, expected.table)
        np.testing.assert_array_equal(found.rhythm, expected.rhythm)
