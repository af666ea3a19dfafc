"""Public holidays of a region, as the arrays that the forecasting kernel takes."""

import datetime as dt
import sys
from functools import lru_cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

import holidays
import numpy as np

from app.forecasting.market import Calendar
from app.regions import GLOBAL

COUNTRIES = "holidays.countries"


def _leave_countries_unread() -> None:
    """Put an empty package in the place of the library's package of all countries.

    The library finds a country in its own module, but the package above it imports all 250 of them: 90 ms and
    8 MB in every serving process, for the one or two whose charts it holds.
    """
    spec = PathFinder.find_spec(COUNTRIES, holidays.__path__)
    if spec is not None and COUNTRIES not in sys.modules:
        sys.modules[COUNTRIES] = module_from_spec(spec)  # made, with its path, and not executed


_leave_countries_unread()


@lru_cache(maxsize=4096)
def _holidays_of_year(region: str, year: int) -> dict[dt.date, str]:
    if region == GLOBAL:
        return {}
    try:
        return dict(holidays.country_holidays(region.upper(), years=year, language="en_US"))
    except NotImplementedError:  # a country that the library does not know has none
        return {}


@lru_cache(maxsize=65536)
def number_holiday(name: str) -> int:
    """A positive number that stands for a holiday's name, the same in every process."""
    plain = name.split("(")[0].split(";")[0].strip()  # "(observed)", "(estimated)" and doubles
    return int.from_bytes(plain.encode()[:48], "big") % (2**61 - 1) + 1


def build_calendar(region: str, first_day: dt.date, last_day: dt.date) -> Calendar:
    """The region's calendar from ``first_day`` to ``last_day``, both inclusive."""
    days = np.arange(np.datetime64(first_day, "D"), np.datetime64(last_day, "D") + 1)
    numbers = np.zeros(len(days), dtype=np.int64)
    for year in range(first_day.year, last_day.year + 1):
        for day, name in _holidays_of_year(region, year).items():
            if first_day <= day <= last_day:
                numbers[(day - first_day).days] = number_holiday(name)
    return Calendar(days=days, holidays=numbers)
