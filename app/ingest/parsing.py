"""From the bytes of a chart file, or from JSON entries, to rows: pure, one way, every fault with its line."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from app.errors import UnsupportedFormatError
from app.ingest.content import Budget, Record, read_batches
from app.ingest.formats import JSON_ENTRIES, parse_header, recognise_format
from app.ingest.origin import Given, Origin, agree_on_origin, parse_file_name
from app.ingest.row_reader import RowReader
from app.ingest.rows import (
    ChartColumns,
    ChartRow,
    Charts,
    ParsedFile,
    Rejection,
    add_columns,
    build_refusal,
)
from app.observability.tracing import traced

ENTRY_KEYS = ("position", "track_id", "streams", "track_name", "artist")


@traced("ingest.parse")
def parse_chart_file(name: str, content: bytes, given: Given, budget: Budget) -> ParsedFile:
    """Read one chart file of any known format.

    Args:
        name: The file's name without folders; it may tell region and day.
        content: The bytes as sent, gzip or not.
        given: What the request says.
        budget: What the upload may still take; used up by this call.

    Raises:
        UnsupportedFormatError: no daily chart file.
        InvalidRequestError: damaged, or in contradiction with its name or the request.
        TooLargeError: over a limit.
    """
    batches = read_batches(name, content, budget)
    header, first = _read_header(name, batches)
    form = recognise_format(name, header)
    origin = agree_on_origin(name, given, parse_file_name(name), "the file's name")
    reader = RowReader(name, form=form, header=header, origin=origin, given=given)
    sha256 = hashlib.sha256(content).hexdigest()
    return _collect(name, reader, chain([first], batches), budget, sha256=sha256)


@traced("ingest.parse")
def parse_entries(
    name: str, entries: Sequence[object], said: Origin, given: Given, budget: Budget
) -> ParsedFile:
    """Read the entries of a JSON body by the same rules; an entry's number, from 1, is its line.

    Raises:
        InvalidRequestError: the body contradicts the request, or nobody says region and day.
        TooLargeError: over a limit.
    """
    origin = agree_on_origin(name, given, said, "the body")
    header = [JSON_ENTRIES.columns[key] for key in ENTRY_KEYS]
    reader = RowReader(name, form=JSON_ENTRIES, header=header, origin=origin, given=given)
    records = [(number, _read_entry(entry)) for number, entry in enumerate(entries, start=1)]
    return _collect(name, reader, [records], budget)


def reject_repeated_days(files: Sequence[ParsedFile]) -> list[ParsedFile]:
    """Reject the charts that an earlier file of the upload has too: which of them is the whole chart?"""
    owners: dict[tuple[str, dt.date], str] = {}
    checked = []
    for file in files:
        repeated = [chart for key, chart in file.charts.items() if key in owners]
        problems = {
            row.line: _repeated_day(row, owners[row.region, row.date])
            for chart in repeated
            for row in chart.rows
        }
        checked.append(file.rejecting(problems) if problems else file)
        owners.update(dict.fromkeys(file.charts.keys() - owners.keys(), file.name))
    return checked


def _repeated_day(row: ChartRow, owner: str) -> Rejection:
    problem = f"the chart of {row.region} on {row.date} is in {owner} too; send each chart once"
    return Rejection(
        row.line, "date", str(row.date), problem, row.region, row.date, row.position, row.track_id
    )


def _read_header(name: str, batches: Iterator[list[Record]]) -> tuple[list[str], list[Record]]:
    """The header, and what is below it in the same batch."""
    for batch in batches:
        for number, (_, cells) in enumerate(batch, start=1):
            # The publisher's note stands above the header, in a line that begins with empty cells.
            if cells[0].strip():
                return parse_header(cells), batch[number:]
    raise UnsupportedFormatError(f"{name}: the file has no header line; send a chart.")


def _collect(
    name: str,
    reader: RowReader,
    batches: Iterable[list[Record]],
    budget: Budget,
    *,
    sha256: str = "",
) -> ParsedFile:
    charts: Charts = {}
    rejected: list[Rejection] = []
    skipped = 0
    for batch in filter(None, batches):
        budget.take_rows(name, len(batch))
        good, bad = reader.read_many(batch)
        if good:
            add_columns(charts, good)
        rejected += bad
        skipped += len(batch) - len(bad) - (len(good[0]) if good else 0)
    if not (charts or rejected or skipped):
        nothing = Rejection(1, "row", "", "has no rows below the header")
        raise build_refusal(name, nothing, f"{name}: there are no rows in it; send a chart.")
    file = ParsedFile(name, reader.form.name, charts, rejected, skipped, sha256)
    repeated = _find_repeated(charts.values())
    return file.rejecting(repeated) if repeated else file


def _find_repeated(charts: Iterable[ChartColumns]) -> dict[int, Rejection]:
    """Of rows that share their day and their position or track, all but the first; by line."""
    repeated: dict[int, Rejection] = {}
    for chart in charts:
        if not len(set(chart.positions)) == len(set(chart.track_ids)) == len(chart):
            repeated |= _name_repeated(chart.rows)
    return repeated


def _name_repeated(rows: Iterable[ChartRow]) -> dict[int, Rejection]:
    repeated: dict[int, Rejection] = {}
    positions: dict[int, int] = {}
    tracks: dict[str, int] = {}
    for row in rows:
        if row.position in positions:
            repeated[row.line] = _repeated(row, "position", row.position, positions[row.position])
        elif row.track_id in tracks:
            repeated[row.line] = _repeated(row, "track_id", row.track_id, tracks[row.track_id])
        else:
            positions[row.position] = tracks[row.track_id] = row.line
    return repeated


def _repeated(row: ChartRow, field: str, value: object, earlier: int) -> Rejection:
    problem = f"{field} {value} of {row.region} on {row.date} is on line {earlier} already"
    return Rejection(row.line, field, str(value), problem, row.region, row.date, row.position, row.track_id)


def _read_entry(entry: object) -> list[str]:
    if not isinstance(entry, dict):
        return [_as_text([entry])]
    return [_as_text(entry.get(key)) for key in ENTRY_KEYS]


def _as_text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    text = json.dumps(value)
    # The NUL keeps what is neither a text nor a number from passing for a name.
    return text if type(value) in (int, float) else f"\0{text}"
