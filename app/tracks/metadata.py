"""Metadata files: bytes -> rows -> what they add to each track. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import ValidationError

from app.config import Settings
from app.errors import InvalidRequestError, TooLargeError, UnsupportedFormatError
from app.forecasting.spec import FEATURES
from app.ingest.content import Budget, read_records
from app.tracks.features import MetadataRow
from app.uploads import Upload, load_json, open_content, read_content

ALIASES = {"duration": "duration_ms", "artist_name": "artist"}
VALUES = (*FEATURES, "release_date")
_COLUMNS = {"track_id", "track_name", "artist", *VALUES}
_LISTED = 100
_BOM = b"\xef\xbb\xbf"
_START = 1024  # bytes within which it shows whether a file is JSON


class RejectedRow(NamedTuple):
    """One fault; ``line`` is the physical line its record starts on, in JSON the item's number, from 1."""

    file: str
    line: int
    field: str
    value: str
    problem: str


@dataclass
class MetadataFile:
    """One file, read: for each track the values it gives, and what was left out.

    ``rejected_rows`` lists the faults of the first bad rows; ``rejected`` counts all bad rows.
    """

    name: str
    rows: int = 0
    rejected: int = 0
    tracks: dict[str, dict[str, Any]] = field(default_factory=dict)
    ignored_columns: dict[str, None] = field(default_factory=dict)  # a set that keeps the file's order
    rejected_rows: list[RejectedRow] = field(default_factory=list)

    def add(self, line: int, row: Mapping[str, Any]) -> None:
        """Take in one row, merging it into what the file already gave for its track."""
        self.rows += 1
        try:
            values = MetadataRow.model_validate(row).model_dump(exclude_none=True)
        except ValidationError as error:
            self.reject(line, [_describe(fault) for fault in error.errors(include_url=False)])
            return
        self.tracks.setdefault(values.pop("track_id"), {}).update(values)

    def reject(self, line: int, faults: Iterable[tuple[str, str, str]]) -> None:
        """Count one bad row and list its (field, value, problem) while there is room."""
        self.rejected += 1
        if len(self.rejected_rows) < _LISTED:
            self.rejected_rows += [RejectedRow(self.name, line, *fault) for fault in faults]


def _describe(fault: Mapping[str, Any]) -> tuple[str, str, str]:
    value = "" if fault["type"] == "missing" else _quote(fault["input"])
    return str(fault["loc"][0]), value, str(fault["msg"]).removeprefix("Value error, ")


def _quote(value: Any) -> str:
    # JSON may hold half a surrogate pair, which an answer cannot, and lists within lists without end.
    text = type(value).__name__ if isinstance(value, list | dict) else str(value)
    return text[:200].encode("utf-8", "replace").decode()


def parse_metadata(upload: Upload, limits: Settings) -> MetadataFile:
    """Read a CSV file with named columns, or a JSON list of objects with the same names.

    Raises:
        UnsupportedFormatError: it is neither, or has no ``track_id`` or nothing to add.
        InvalidRequestError: it is damaged, or has one column or key twice.
        TooLargeError: it is over one of ``limits``.
    """
    source = open_content(upload.name, upload.data)
    start = read_content(upload.name, source, _START)
    if start.removeprefix(_BOM).lstrip()[:1] in (b"[", b"{"):
        rest = read_content(upload.name, source, max(0, limits.max_json_bytes + 1 - len(start)))
        return _parse_json(upload.name, start + rest, limits)
    if not start.strip():
        raise _empty(upload.name)
    return _parse_csv(upload.name, upload.data, limits)


def _empty(name: str) -> InvalidRequestError:
    return InvalidRequestError(f"{name} is empty; send a CSV file or a JSON list.")


def _parse_csv(name: str, data: bytes, limits: Settings) -> MetadataFile:
    file = MetadataFile(name)
    # One row more: the header is a record too.
    budget = Budget(unpacked=limits.max_unpacked_bytes, rows=limits.max_upload_rows + 1)
    records = _within(budget, name, read_records(name, data, budget))
    if (first := next(records, None)) is None:
        raise _empty(name)
    header = first[1]
    columns = _read_header(file, header)
    for line, cells in records:
        if len(cells) != len(header):
            problem = f"has {len(cells)} fields where the header has {len(header)}; is a comma unquoted?"
            file.rows += 1
            file.reject(line, [("row", ",".join(cells)[:200], problem)])
        else:
            file.add(line, {column: cells[i] for i, column in columns if cells[i].strip()})
    return file


def _within(
    budget: Budget, name: str, records: Iterator[tuple[int, list[str]]]
) -> Iterator[tuple[int, list[str]]]:
    for record in records:
        budget.take_rows(name, 1)
        yield record


def _read_header(file: MetadataFile, header: list[str]) -> list[tuple[int, str]]:
    # Returns (index, column) of the known ones; the others are noted in the file.
    names = [_canonical(name) for name in header]
    columns = [(i, name) for i, name in enumerate(names) if name in _COLUMNS]
    ignored = [cell.strip()[:200] for cell, name in zip(header, names, strict=True) if name not in _COLUMNS]
    file.ignored_columns = dict.fromkeys(ignored[:_LISTED])
    known = [name for _, name in columns]
    if twice := sorted({name for name in known if known.count(name) > 1}):
        raise InvalidRequestError(f"{file.name} has more than one column for {', '.join(twice)}; leave one.")
    if "track_id" not in known or not set(VALUES) & set(known):
        raise _not_metadata(file.name, ", ".join(header))
    return columns


def _canonical(name: str) -> str:
    plain = name.strip().lower()
    return ALIASES.get(plain, plain)


def _not_metadata(name: str, found: str) -> UnsupportedFormatError:
    return UnsupportedFormatError(
        f"{name} is no metadata file: it needs a track_id and at least one of {', '.join(VALUES)}; "
        f"it has {found[:300]}. Charts go to POST /ingest."
    )


def _parse_json(name: str, data: bytes, limits: Settings) -> MetadataFile:
    if len(data) > limits.max_json_bytes:
        raise TooLargeError(f"{name} is over CHARTCAST_MAX_JSON_BYTES ({limits.max_json_bytes}); split it.")
    items = _load_items(name, data)
    if len(items) > limits.max_upload_rows:
        raise TooLargeError(f"{name} has more rows than CHARTCAST_MAX_UPLOAD_ROWS; split it.")
    file = MetadataFile(name)
    for number, item in enumerate(items, start=1):
        if isinstance(item, dict):
            file.add(number, _known(file, item))
        else:
            file.rows += 1
            file.reject(number, [("row", _quote(item), "is no object with a track_id")])
    return file


def _load_items(name: str, data: bytes) -> list[Any]:
    items = load_json(name, data)
    if not isinstance(items, list):
        raise InvalidRequestError(f"{name} is a JSON object; send a list of them, one for each track.")
    return items


def _known(file: MetadataFile, item: dict[str, Any]) -> dict[str, Any]:
    row = {}
    for key, value in item.items():
        column = _canonical(key)
        if column in row:
            raise InvalidRequestError(f"{file.name} has more than one {column} in an item; leave one.")
        if column in _COLUMNS:
            row[column] = value
        elif len(file.ignored_columns) < _LISTED:
            file.ignored_columns[_quote(key)] = None
    return row
