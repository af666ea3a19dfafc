"""Holidays by name: the same number every year, in every process."""

import datetime as dt
import json
import subprocess
import sys

import numpy as np
import pycountry

from app.calendar import build_calendar, number_holiday

FIRST = dt.date(2019, 1, 1)


def test_a_holiday_has_the_same_number_every_year_and_observed_days_count_as_it() -> None:
    calendar = build_calendar("us", FIRST, dt.date(2021, 12, 31))

    def number(day: str) -> int:
        return int(calendar.holidays[(dt.date.fromisoformat(day) - FIRST).days])

    assert number("2019-12-25") == number("2020-12-25") > 0
    assert number("2020-07-03") == number("2020-07-04") == number("2019-07-04") > 0
    assert number("2020-07-04") != number("2020-12-25")
    assert number("2020-07-06") == 0


def test_the_whole_world_has_no_holidays() -> None:
    assert not build_calendar("global", dt.date(2019, 12, 1), dt.date(2020, 2, 1)).holidays.any()


def test_a_calendar_has_every_day_of_its_span_and_years_join_without_a_seam() -> None:
    whole = build_calendar("ph", FIRST, dt.date(2021, 3, 1))
    assert whole.days[0] == np.datetime64(FIRST)
    assert whole.days[-1] == np.datetime64("2021-03-01")
    assert len(whole.days) == len(whole.holidays) == 791
    part = build_calendar("ph", dt.date(2020, 12, 20), dt.date(2021, 1, 5))
    start = (dt.date(2020, 12, 20) - FIRST).days
    np.testing.assert_array_equal(part.holidays, whole.holidays[start : start + 17])


# The library as it comes: all its countries read, in a process where nobody put anything in their place.
ALL_COUNTRIES = """
import holidays, json
from holidays import countries

supported = sorted(code for code in holidays.list_supported_countries() if hasattr(countries, code))
named = {code: holidays.country_holidays(code, years=2020, language="en_US") for code in supported}
print(json.dumps({code: {str(day): name for day, name in of.items()} for code, of in named.items()}))
"""


def test_a_country_alone_has_the_holidays_that_it_has_among_all_of_them() -> None:
    command = [sys.executable, "-c", ALL_COUNTRIES]
    by_country = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert len(by_country) > 200
    for country in (country.alpha_2 for country in pycountry.countries):
        calendar = build_calendar(country.lower(), dt.date(2020, 1, 1), dt.date(2020, 12, 31))
        by_day = {str(day): number_holiday(name) for day, name in by_country.get(country, {}).items()}
        assert [by_day.get(str(day), 0) for day in calendar.days] == calendar.holidays.tolist(), country
