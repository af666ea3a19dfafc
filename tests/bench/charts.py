"""Invented charts in any number: 200 rows a day, tracks that come and go as on a real one."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

SIZE = 200
MEAN_STAY = 60  # days that a track stays, on average
HEADER = "Position,Track Name,Artist,Streams,URL,Date,Region"
FIRST_DAY = dt.date(2015, 1, 1)

Day = list["ChartRow"]


class ChartRow(NamedTuple):
    """A row, in the order of the table's columns."""

    region: str
    track_id: str
    date: str
    position: int
    streams: int


def invent_days(region: str, days: int) -> Iterator[Day]:
    """The charts of one region from ``FIRST_DAY`` on, the same every time."""
    random = np.random.Generator(np.random.PCG64(int.from_bytes(region.encode())))
    numbers = np.arange(SIZE)  # of the track in each place
    levels = random.normal(0, 0.4, SIZE)
    shape = 12.5 - 0.6 * np.log1p(np.arange(SIZE))
    for day in range(days):
        new = random.random(SIZE) < 1 / MEAN_STAY
        numbers = np.where(new, numbers.max() + 1 + np.arange(SIZE), numbers)
        levels = np.where(new, random.normal(0, 0.4, SIZE), 0.98 * levels + random.normal(0, 0.05, SIZE))
        streams = np.sort(np.exp(shape + 0.1 * np.sin(day * 2 * np.pi / 7)).astype(int))[::-1]
        order = np.argsort(-levels, kind="stable")
        date = (FIRST_DAY + dt.timedelta(days=day)).isoformat()
        yield [
            ChartRow(region, _track_id(region, number), date, place, count)
            for place, (number, count) in enumerate(
                zip(numbers[order].tolist(), streams.tolist(), strict=True), start=1
            )
        ]


def _track_id(region: str, number: int) -> str:
    return hashlib.sha256(f"{region} {number}".encode()).hexdigest()[:22]


def to_csv(days: list[Day]) -> bytes:
    """A chart file of these days."""
    lines = [
        f"{row.position},Song {row.track_id[:6]},Artist {row.track_id[:3]},{row.streams},"
        f"https://open.spotify.com/track/{row.track_id},{row.date},{row.region}"
        for day in days
        for row in day
    ]
    return "\n".join([HEADER, *lines, ""]).encode()
