"""Chart files made up for the tests."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

from app.ingest.content import Budget
from app.ingest.origin import Given
from app.ingest.parsing import parse_chart_file
from app.ingest.rows import ParsedFile

CHARTS = Path(__file__).resolve().parents[1] / "data" / "charts"
TODAY = dt.date(2021, 1, 1)
HEADER = "Position,Track Name,Artist,Streams,URL,Date,Region"

Row = tuple[int, str, object]  # position, the letter of a track, streams


def track_of(letter: str) -> str:
    """A made-up track id that ends in ``letter``."""
    return ("mmadeup0track0number00" + letter)[-22:]


def build_csv(day: str, rows: Iterable[Row], *, region: str = "ph", names: str = "{} song,{} band") -> str:
    """A chart of one region and day, as a multi-region file."""
    return build_table((f"{day},{region}", row, names) for row in rows)


def build_table(rows: Iterable[tuple[str, Row, str]]) -> str:
    """A multi-region file; each row with its ``date,region`` and the pattern of its names."""
    lines = [
        f"{position},{names.format(letter, letter)},{streams},spotify:track:{track_of(letter)},{of}"
        for of, (position, letter, streams), names in rows
    ]
    return "\n".join([HEADER, *lines, ""])


def parse(name: str, content: bytes | str, **given: object) -> ParsedFile:
    """Parse ``content`` as a file called ``name``, the request saying ``given``."""
    data = content.encode() if isinstance(content, str) else content
    said = Given(**{"today": TODAY, **given})  # type: ignore[arg-type]
    return parse_chart_file(name, data, said, Budget(unpacked=10_000_000, rows=10_000))
