"""What moved the whole chart of a region, and what its weekly rhythm says of the days ahead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from app.forecasting.history import Days, Floats, Ints

WEEKS = 4  # the weeks that chart_weekday looks back on


@dataclass(frozen=True)
class Market:
    """A region's chart as a whole, on consecutive days.

    Attributes:
        days: (days,)
        movement: ``chart_ratio`` from the day before, NaN where unknown. (days,)
        threshold: The smallest streams on the chart, NaN where there is none. (days,)
    """

    days: Days
    movement: Floats
    threshold: Floats


@dataclass(frozen=True)
class Calendar:
    """Calendar facts of a region: the days of a ``Market`` and at least 8 more after its last.

    Attributes:
        days: Consecutive. (days,)
        holidays: A number that stands for the holiday's name, 0 on other days. (days,)
    """

    days: Days
    holidays: Ints


def chart_ratio(later: Mapping[str, int], earlier: Mapping[str, int]) -> float | None:
    """The median ratio of streams from one day's chart to another's, over the tracks on both.

    A track with no streams on either day says nothing of a ratio and is left out.

    Args:
        later: Streams by track id on the later day.
        earlier: Streams by track id on the earlier day.

    Returns:
        The median (of an even count the mean of the middle two), or None where no track is on both.
    """
    ratios = [
        streams / earlier[track]
        for track, streams in later.items()
        if streams > 0 and earlier.get(track, 0) > 0
    ]
    return median(ratios) if ratios else None


def first_week(horizon: int) -> int:
    """The fewest weeks back by which a day ``horizon`` days ahead is one that is known."""
    return -(-horizon // 7)


def chart_weekday(last_streams: float, weekly_ratios: Sequence[float | None]) -> float:
    """The baseline: the last value times the median of the same step's ratios in the last four weeks.

    Args:
        last_streams: Streams on the track's last observed day L.
        weekly_ratios: For each of ``WEEKS`` weeks k from ``first_week`` on, ``chart_ratio`` from day L - 7k
            to the target day less 7k; None where either day has no chart. Such a week is skipped.
    """
    known = [ratio for ratio in weekly_ratios if ratio is not None]
    return last_streams * median(known) if known else last_streams
