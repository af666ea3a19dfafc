"""Public holidays of a region, as the arrays that the forecasting kernel takes."""

import datetime as dt
from functools import lru_cache

import holidays
import numpy as np

from app.forecasting.market import Calendar
from app.regions import GLOBAL


@lru_cache(maxsize=4096)
def _holidays_of_year(region: str, year: int) -> dict[dt.date, str]:
    if region == GLOBAL:
        return {}
    try:
        return dict(holidays.country_holidays(region.upper(), years=year, language="en_US"))
    except NotImplementedError:  # a country that the library does not know has none
        return {}


@lru_cache(maxsize=65536)
def _number(name: str) -> int:
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
                numbers[(day - first_day).days] = _number(name)
    return Calendar(days=days, holidays=numbers)
