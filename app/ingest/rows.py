"""What a chart file comes down to, and how one cell of it is read."""

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby, repeat
from operator import attrgetter
from typing import Any, NamedTuple

from app.dates import parse_iso_date
from app.errors import InvalidRequestError
from app.track_ids import parse_track_id

MAX_POSITION = 1000
MAX_STREAMS = 10**12  # far over what a day can hold, and a day's sum of them fits the store
FIRST_DAY = dt.date(1970, 1, 1)
LISTED = 100  # rejected rows that an answer lists

# ASCII digits alone; a decimal part of zeros, and thousands in threes.
_WHOLE = re.compile(r"([0-9]{1,18}|[0-9]{1,3}(?:,[0-9]{3}){1,5})(?:\.0+)?")


class ChartRow(NamedTuple):
    """One good row: what one track did in one region on one day."""

    line: int
    region: str
    date: dt.date
    position: int
    track_id: str
    streams: int
    track_name: str | None
    artist: str | None


class Rejection(NamedTuple):
    """A bad row: the first fault of it, and what could be read of it all the same."""

    line: int
    field: str
    value: str
    problem: str
    region: str | None = None
    date: dt.date | None = None
    position: int | None = None
    track_id: str | None = None


@dataclass(frozen=True)
class ChartColumns:
    """The good rows of one region's chart of one day, a list a field, in the order of ``ChartRow``'s."""

    region: str
    date: dt.date
    lines: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    track_ids: list[str] = field(default_factory=list)
    streams: list[int] = field(default_factory=list)
    track_names: list[str | None] = field(default_factory=list)
    artists: list[str | None] = field(default_factory=list)

    @property
    def rows(self) -> Iterator[ChartRow]:
        """The same, row by row."""
        key = (repeat(self.region), repeat(self.date))
        values = (self.positions, self.track_ids, self.streams, self.track_names, self.artists)
        return map(ChartRow, self.lines, *key, *values)

    def __len__(self) -> int:
        return len(self.lines)


Charts = dict[tuple[str, dt.date], ChartColumns]  # by region and day


def add_columns(charts: Charts, columns: Sequence[Sequence[Any]]) -> None:
    """Add rows, given as a column for each field of ``ChartRow``, to the charts that they are of."""
    lines, regions, dates, *values = columns
    begin = 0
    for key, run in groupby(zip(regions, dates, strict=True)):
        end = begin + len(list(run))
        chart = charts.get(key) or charts.setdefault(key, ChartColumns(*key))
        chart.lines.extend(lines[begin:end])
        names = ("positions", "track_ids", "streams", "track_names", "artists")
        for name, column in zip(names, values, strict=True):
            getattr(chart, name).extend(column[begin:end])
        begin = end


@dataclass(frozen=True)
class ParsedFile:
    """One file of ``size`` bytes, read: its good rows by chart, its bad ones, how many it ``skipped``."""

    name: str
    format: str
    charts: Charts
    rejected: list[Rejection]
    skipped: int = 0
    sha256: str = ""
    size: int = 0

    @property
    def rows(self) -> list[ChartRow]:
        """The good rows in the order of the file."""
        return sorted((row for chart in self.charts.values() for row in chart.rows), key=attrgetter("line"))

    @property
    def count(self) -> int:
        """How many rows of a daily chart it has, good and bad."""
        return sum(map(len, self.charts.values())) + len(self.rejected)

    def rejecting(self, problems: dict[int, Rejection]) -> "ParsedFile":
        """The same file with the rows on these lines rejected."""
        charts: Charts = {}
        if rows := [row for row in self.rows if row.line not in problems]:
            add_columns(charts, list(zip(*rows, strict=True)))
        rejected = sorted([*self.rejected, *problems.values()], key=lambda rejection: rejection.line)
        return replace(self, charts=charts, rejected=rejected)


def parse_whole_number(text: str) -> int:
    """Return the whole number >= 0 that ``text`` is: ``1234``, ``1234.0`` or ``1,234``.

    Raises:
        ValueError: it is none, or is over ``MAX_STREAMS``.
    """
    if len(text) <= 12 and text.isascii() and text.isdigit():  # nearly every cell there is
        return int(text)
    match = _WHOLE.fullmatch(text.strip())
    if match is None:
        raise ValueError("is not a whole number >= 0" if text.strip() else "is missing")
    number = int(match[1].replace(",", ""))
    if number > MAX_STREAMS:
        raise ValueError(f"is over {MAX_STREAMS:,}, more than a day can hold")
    return number


def parse_whole_numbers(texts: Sequence[str]) -> list[int]:
    """Return the whole numbers that ``texts`` are, as ``parse_whole_number`` does.

    Raises:
        ValueError: one is none.
    """
    together = "".join(texts)
    if all(texts) and max(map(len, texts), default=0) <= 12 and together.isascii() and together.isdigit():
        return list(map(int, texts))
    return list(map(parse_whole_number, texts))


@lru_cache(maxsize=4096)
def parse_position(text: str) -> int:
    """Return a chart position, 1 to ``MAX_POSITION``.

    Raises:
        ValueError: it is no whole number, or outside.
    """
    position = parse_whole_number(text)
    if not 1 <= position <= MAX_POSITION:
        raise ValueError(f"is outside 1 to {MAX_POSITION}")
    return position


@lru_cache(maxsize=2**16)
def parse_track(text: str) -> str:
    """Return the track id, in any of its forms (``parse_track_id``, remembered)."""
    if not text.strip():
        raise ValueError("is missing")
    return parse_track_id(text)


def parse_chart_day(text: str, today: dt.date) -> dt.date:
    """Return the chart day; ``today`` (UTC) is the last there can be.

    Raises:
        ValueError: no ISO date, or no day that can have a chart.
    """
    if not text.strip():
        raise ValueError("is missing")
    return check_chart_day(parse_iso_date(text.strip()), today)


def check_chart_day(day: dt.date, today: dt.date) -> dt.date:
    """Return ``day`` where it can have a chart.

    Raises:
        ValueError: it lies after ``today``, or before there were charts of streams.
    """
    if day > today:
        raise ValueError(f"lies in the future: it is {today} (UTC)")
    if day < FIRST_DAY:
        raise ValueError("lies before there were charts of streams")
    return day


@lru_cache(maxsize=2**16)  # a track's name comes again every day
def parse_name(text: str) -> str | None:
    """Return a track's or an artist's name, None where the chart gives none.

    Raises:
        ValueError: a NUL, which Postgres cannot store.
    """
    if "\0" in text:
        raise ValueError("is no text")
    return text.strip() or None


def build_refusal(
    name: str, rejection: Rejection, detail: str, *, errors: tuple[str, str] | None = None
) -> InvalidRequestError:
    """The refusal of a whole file for what stands on one line of it."""
    fault = errors or (rejection.field, rejection.problem)
    extra = {"rejected": 1, "rejected_rows": [describe_rejection(name, rejection)]}
    return InvalidRequestError(detail, errors=[fault], extra=extra)


def describe_rejection(name: str, rejection: Rejection) -> dict[str, str | int]:
    """A rejected row as an answer lists it."""
    return {
        "file": name,
        "line": rejection.line,
        "field": rejection.field,
        "value": rejection.value[:200].removeprefix("\0"),
        "problem": rejection.problem,
    }
