"""What moves a whole region's chart: its size, its week, its holidays, and chance."""

from datetime import date, timedelta

import numpy as np

from training.simulation.draws import Floats, build_rng

THRESHOLDS = {"ph": 25_000.0, "us": 210_000.0, "global": 700_000.0}  # streams at position 200
_SCHOOL_WEEK = (0.02, 0.03, 0.027, 0.029, 0.008, -0.042, -0.075)  # log level, Monday to Sunday
_PARTY_WEEK = (-0.03, -0.015, -0.005, 0.01, 0.075, 0.03, -0.065)
_WEEKS = {"ph": _SCHOOL_WEEK, "us": _PARTY_WEEK, "global": _PARTY_WEEK}

# (month, day) -> log level. A table of our own: a calendar library's next release would change the sample.
_EVERYWHERE = {
    (1, 1): -0.06, (2, 14): 0.03, (10, 31): 0.04, (12, 23): 0.03, (12, 24): 0.06, (12, 25): -0.24,
    (12, 26): -0.13, (12, 27): -0.1, (12, 31): 0.2,
}  # fmt: skip
_OF_REGION = {
    "ph": {(6, 12): -0.03, (8, 31): -0.03, (11, 1): -0.06, (11, 2): -0.03, (11, 30): -0.04, (12, 8): -0.02,
           (12, 30): -0.03},
    "us": {(1, 20): -0.02, (7, 4): -0.08, (9, 7): -0.05, (11, 11): -0.02},
}  # fmt: skip
_THANKSGIVING = {0: -0.14, 1: -0.05, 2: -0.02}  # from the fourth Thursday of November on
PEAK_OF_SEASON = (12, 24)


def draw_market(seed: int, region: str, days: list[date]) -> Floats:
    """Log level of the region's market, common to all its tracks. (days,)"""
    rng = build_rng(seed, "market", region)
    level = np.log(THRESHOLDS.get(region) or 3_000.0 * 20.0 ** rng.random())
    week = np.array(_WEEKS.get(region, _SCHOOL_WEEK if rng.random() < 0.5 else _PARTY_WEEK))
    week = week * (0.85 + 0.3 * rng.random())
    known = np.array([week[day.weekday()] + _holiday_level(region, day) for day in days])
    growth = (rng.random() - 0.3) * 0.0006 * np.arange(len(days))
    return np.asarray(level + known + growth + _draw_chance(rng, len(days)))


def _draw_chance(rng: np.random.Generator, days: int) -> Floats:
    # Shocks fade over a week or so; a rare one hits the whole chart, as an outage or a big event does.
    shocks = 0.013 * rng.standard_normal(days)
    shocks += np.where(rng.random(days) < 0.02, 0.1 * rng.standard_normal(days), 0.0)
    level = np.empty(days)
    level[0] = shocks[0]
    for day in range(1, days):
        level[day] = 0.85 * level[day - 1] + shocks[day]
    return level


def _holiday_level(region: str, day: date) -> float:
    level = _EVERYWHERE.get((day.month, day.day), 0.0)
    level += _OF_REGION.get(region, {}).get((day.month, day.day), 0.0)
    if region == "us":
        level += _THANKSGIVING.get((day - _fourth_thursday_of_november(day.year)).days, 0.0)
    return level


def _fourth_thursday_of_november(year: int) -> date:
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 21)


def build_season(days: list[date]) -> Floats:
    """How far the Christmas songs stand above their level of the summer, in logs. (days,)"""
    return np.array([_season(day) for day in days])


def _season(day: date) -> float:
    to_peak = (date(day.year, *PEAK_OF_SEASON) - day).days
    if to_peak >= 0:  # weeks of rising, and a leap on the day itself
        return 2.1 * float(np.exp(-to_peak / 22.0)) + (0.35 if to_peak == 0 else 0.0)
    return 1.95 if to_peak == -1 else 1.9 * float(np.exp(to_peak / 1.8))
