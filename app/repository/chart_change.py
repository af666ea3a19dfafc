"""What an upload does to stored charts, in the terms that both sides of the repository share."""

import datetime as dt
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import NamedTuple

DayKey = tuple[str, dt.date]  # a region and a chart day


class Entry(NamedTuple):
    """A track's place in a chart."""

    position: int
    streams: int


Chart = Mapping[str, Entry]  # one region's chart of one day, by track id


@dataclass(frozen=True)
class ChartChange:
    """What one day's chart was, and what it is after an upload.

    ``updated`` and ``removed`` give the entries as they were.
    """

    region: str
    date: dt.date
    after: Chart
    inserted: Set[str]
    updated: Chart
    removed: Chart
    unchanged: int

    @property
    def key(self) -> DayKey:
        """The region and day."""
        return (self.region, self.date)

    @property
    def changed(self) -> bool:
        """Whether the upload changes the day at all."""
        return bool(self.inserted or self.updated or self.removed)
