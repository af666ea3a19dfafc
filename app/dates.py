"""Dates as requests and files write them: ISO ``YYYY-MM-DD``, and nothing else."""

import datetime as dt
import re
from functools import lru_cache
from typing import Annotated

from pydantic import BeforeValidator, Field

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse_iso_date(value: object) -> dt.date:
    """Return the date that ``value`` writes.

    Raises:
        ValueError: it is no ISO date. A number is none: some read it as seconds, some as days.
    """
    if type(value) is dt.date:
        return value
    if isinstance(value, str):
        return _parse_text(value)
    raise ValueError(f"{str(value)[:40]!r} is not a date; send YYYY-MM-DD")


@lru_cache(maxsize=8192)  # a chart file repeats each of its dates 200 times
def _parse_text(text: str) -> dt.date:
    try:
        if _ISO_DATE.fullmatch(text):
            return dt.date.fromisoformat(text)
    except ValueError:
        pass  # a 30th of February
    raise ValueError(f"{text[:40]!r} is not a date; send YYYY-MM-DD")


IsoDate = Annotated[
    dt.date,
    BeforeValidator(parse_iso_date),
    Field(description="A chart day, YYYY-MM-DD.", examples=["2020-12-30"]),
]


def to_utc(time: dt.datetime) -> dt.datetime:
    """A time read from the store, in UTC: SQLite keeps no zone, PostgreSQL answers in the session's."""
    return time.astimezone(dt.UTC) if time.tzinfo else time.replace(tzinfo=dt.UTC)
