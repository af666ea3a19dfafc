"""What an upload does to stored charts, in the terms that both sides of the repository share."""

import datetime as dt
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import NamedTuple

DayKey = tuple[str, dt.date]  # a region and a chart day


class Entry(NamedTuple):
    """A track's place in a chart."""

    position: int
    streams: int


@dataclass(frozen=True)
class Chart:
    """One region's chart of one day: two numbers of each track, by track id, in one order."""

    positions: Mapping[str, int]
    streams: Mapping[str, int]

    def entry(self, track_id: str) -> Entry:
        """Where a track stands that is on it."""
        return Entry(self.positions[track_id], self.streams[track_id])

    def __len__(self) -> int:
        return len(self.streams)


def build_chart(track_ids: Iterable[str], positions: Iterable[int], streams: Iterable[int]) -> Chart:
    """A chart from its columns."""
    ids = list(track_ids)
    return Chart(dict(zip(ids, positions, strict=True)), dict(zip(ids, streams, strict=True)))


NO_CHART = Chart({}, {})


@dataclass(frozen=True)
class ChartChange:
    """What one day's chart was, and what it is after an upload.

    ``updated`` and ``removed`` give the entries as they were.
    """

    region: str
    date: dt.date
    after: Chart
    inserted: Set[str]
    updated: Mapping[str, Entry]
    removed: Mapping[str, Entry]
    unchanged: int

    @property
    def key(self) -> DayKey:
        """The region and day."""
        return (self.region, self.date)

    @property
    def changed(self) -> bool:
        """Whether the upload changes the day at all."""
        return bool(self.inserted or self.updated or self.removed)
