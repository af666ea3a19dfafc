"""The chart's ratio and the baseline, by hand."""

import numpy as np
import pytest

from app.forecasting.market import chart_ratio, chart_weekday


def test_the_chart_ratio_is_the_median_over_the_tracks_on_both_days() -> None:
    later = {"a": 110, "b": 300, "c": 90, "only later": 5000}
    earlier = {"a": 100, "b": 100, "c": 100, "only earlier": 1}
    assert chart_ratio(later, earlier) == pytest.approx(1.1)


def test_an_even_count_takes_the_mean_of_the_middle_two() -> None:
    later = {"a": 100, "b": 110, "c": 130, "d": 900}
    assert chart_ratio(later, dict.fromkeys("abcd", 100)) == pytest.approx(1.2)


def test_no_streams_on_either_day_say_nothing_of_a_ratio() -> None:
    assert chart_ratio({"a": 0, "b": 120, "c": 50}, {"a": 100, "b": 100, "c": 0}) == pytest.approx(1.2)
    assert chart_ratio({"a": 0}, {"a": 10}) is None
    assert chart_ratio({"a": 10}, {"a": 0}) is None


def test_charts_without_a_common_track_have_no_ratio() -> None:
    assert chart_ratio({"a": 1}, {"b": 1}) is None
    assert chart_ratio({}, {"b": 1}) is None
    assert chart_ratio({}, {}) is None


@pytest.mark.parametrize(
    ("ratios", "factor"),
    [
        ([1.1, 1.2, 1.3, 1.4], 1.25),
        ([1.4, 1.1, 5.0], 1.4),
        ([1.4, None, 1.1, None], 1.25),
        ([None, None, None, 0.9], 0.9),
        ([None, None, None, None], 1.0),
        ([], 1.0),
    ],
)
def test_chart_weekday_is_the_last_value_times_the_median_of_the_weeks_there_are(
    ratios: list[float | None], factor: float
) -> None:
    assert chart_weekday(200.0, ratios) == pytest.approx(200 * factor)
    assert chart_weekday(0.0, ratios) == 0


def test_a_ratio_reversed_is_its_inverse_for_an_odd_count_of_tracks() -> None:
    random = np.random.Generator(np.random.PCG64(1))
    one, other = ({f"t{i}": int(random.integers(1, 1000)) for i in range(7)} for _ in range(2))
    forth, back = chart_ratio(one, other), chart_ratio(other, one)
    assert forth is not None
    assert back is not None
    assert forth * back == pytest.approx(1)
