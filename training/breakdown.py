"""Groups of cells, to see where a method wins and where it loses."""

from typing import Any

import numpy as np
import pandas as pd

from training.panel import Panel

HOLIDAY_REACH = 3  # days
OBSERVED_DAYS = {"1": 1, "2 to 6": 6, "7 to 27": 27, "28 and more": np.inf}  # label -> the most
POSITIONS = {"1 to 10": 10, "11 to 50": 50, "51 to 100": 100, "101 to 200": np.inf}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
KINDS = ("observed days", "position", "weekday of target", "holidays")


def add_groups(cells: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Add a column for each of ``KINDS``: the group that a cell belongs to, in the order to show them.

    A target is in a holiday week if a holiday of the region is within ``HOLIDAY_REACH`` days of it.
    """
    target = panel.days[cells["cutoff"]] + cells["horizon"].to_numpy()
    weekday = (target.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    near = _near_holidays(panel)[(target - panel.days[0]).astype(int)]
    columns: dict[str, Any] = {
        "observed days": _cut(cells["observed_days"], OBSERVED_DAYS),
        "position": _cut(cells["position"], POSITIONS),
        "weekday of target": pd.Categorical(np.array(WEEKDAYS)[weekday], list(WEEKDAYS)),
        "holidays": pd.Categorical(
            np.where(near, "within 3 days", "none near"), ["within 3 days", "none near"]
        ),
    }
    return cells.assign(**columns)


def _cut(values: pd.Series, groups: dict[str, float]) -> pd.Series:
    return pd.cut(values, [0, *groups.values()], labels=list(groups))


def _near_holidays(panel: Panel) -> np.ndarray:
    """Whether each day of the calendar has a holiday near. (days,)"""
    holidays = panel.calendar.holidays > 0
    window = np.ones(2 * HOLIDAY_REACH + 1)
    near: np.ndarray = np.convolve(holidays, window, mode="same") > 0
    return near
