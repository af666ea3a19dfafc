"""The groups of a cell, told by hand."""

import datetime as dt

import numpy as np
import pandas as pd

from tests.panels import build_panel_of
from training.breakdown import KINDS, add_groups
from training.panel import Panel


def _panel() -> Panel:
    """From Tuesday 2020-12-01 on; Christmas is a holiday, Bonifacio Day (11-30) lies before."""
    return build_panel_of(np.full((2, 31), 100.0), first_day=dt.date(2020, 12, 1))


def _groups(**cell: float) -> tuple[str, ...]:
    whole = {"track": 0, "cutoff": 9, "horizon": 1, "observed_days": 40, "position": 1.0} | cell
    (found,) = add_groups(pd.DataFrame([whole]), _panel())[list(KINDS)].itertuples(index=False, name=None)
    return tuple(str(group) for group in found)


def test_observed_days_and_positions_are_cut_where_the_table_says() -> None:
    days = [_groups(observed_days=count)[0] for count in (1, 2, 6, 7, 27, 28, 900)]
    assert days == ["1", "2 to 6", "2 to 6", "7 to 27", "7 to 27", "28 and more", "28 and more"]
    positions = [_groups(position=place)[1] for place in (1, 10, 11, 50, 51, 100, 101, 200)]
    assert [group.split()[0] for group in positions] == ["1", "1", "11", "11", "51", "51", "101", "101"]


def test_the_weekday_is_the_targets() -> None:
    assert _groups(cutoff=9, horizon=1)[2] == "Friday"  # 2020-12-11
    assert _groups(cutoff=9, horizon=3)[2] == "Sunday"


def test_a_holiday_within_three_days_of_the_target_makes_a_holiday_week() -> None:
    panel = _panel()
    assert panel.calendar.holidays[24] > 0  # the 25th
    found = {day: _groups(cutoff=day - 2)[3] for day in range(12, 29)}  # the target is the day itself
    holidays = {day + 1 for day in np.flatnonzero(panel.calendar.holidays)}
    for day, group in found.items():
        near = any(abs(day - holiday) <= 3 for holiday in holidays)
        assert group == ("within 3 days" if near else "none near")
    assert set(found.values()) == {"within 3 days", "none near"}


def test_groups_come_in_the_order_of_the_table() -> None:
    cells = pd.DataFrame(
        {"track": 0, "cutoff": [9, 10, 11], "horizon": 1, "observed_days": [50, 1, 3], "position": 5.0}
    )
    grouped = add_groups(cells, _panel()).groupby("observed days", observed=True).size()
    assert list(grouped.index) == ["1", "2 to 6", "28 and more"]
