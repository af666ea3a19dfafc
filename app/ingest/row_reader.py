"""From the cells of one record to a row, or to the reason why it is none."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from app.errors import InvalidRequestError
from app.ingest.content import Record
from app.ingest.formats import Format
from app.ingest.origin import Given, Origin, build_disagreement, choose_date, choose_region
from app.ingest.rows import (
    ChartRow,
    Rejection,
    build_refusal,
    parse_chart_day,
    parse_name,
    parse_position,
    parse_track,
    parse_whole_number,
    parse_whole_numbers,
)
from app.regions import parse_region_name

Columns = Sequence[Sequence[Any]]  # one for each field of ChartRow; none where there are no rows
CHARTS = {"top200": True, "viral50": False}  # of a file that mixes charts, those to read


class _Field(NamedTuple):
    """Where a row's field comes from: a column and how to read it, or one value for the whole file."""

    column: int | None = None
    parse: Callable[[str], object] = str
    value: object = None

    def read(self, cells: Sequence[str]) -> Any:
        return self.value if self.column is None else self.parse(cells[self.column])

    def read_all(self, texts: Sequence[str]) -> Sequence[Any]:
        if self.parse is parse_whole_number:
            return parse_whole_numbers(texts)
        return list(map(self.parse, texts))


class RowReader:
    """Reads rows of one file, field by field in the order of ``ChartRow``'s."""

    def __init__(
        self, name: str, *, form: Format, header: Sequence[str], origin: Origin, given: Given
    ) -> None:
        self.form = form
        self._name = name
        self._width = len(header)
        self._index = {f: header.index(column) for f, column in form.columns.items() if column in header}
        self._chart = header.index(form.chart_column) if form.chart_column else None
        self._fields = {
            "region": self._region_field(origin, given),
            "date": self._date_field(origin, given),
            "position": self._field("position", parse_position),
            "track_id": self._field("track_id", parse_track),
            "streams": self._field("streams", parse_whole_number),
            "track_name": self._field("track_name", parse_name),
            "artist": self._field("artist", parse_name),
        }

    def read_many(self, records: Sequence[Record]) -> tuple[Columns, list[Rejection]]:
        """Return the good rows by columns, and the rejections; records of another chart are neither.

        Raises:
            InvalidRequestError: as ``read``.
        """
        try:
            return self._read_columns(records), []
        except (ValueError, _DisagreementError):
            found = [self.read(line, cells) for line, cells in records]
        rows = [row for row in found if isinstance(row, ChartRow)]
        return list(zip(*rows, strict=True)), [row for row in found if isinstance(row, Rejection)]

    def _read_columns(self, records: Sequence[Record]) -> Columns:
        """Return the rows where every record is a good one, a column at a time: eight times as fast.

        Raises:
            ValueError: one is not.
        """
        lines, cells = zip(*records, strict=True)
        columns = list(zip(*cells, strict=True))
        if len(columns) != self._width:
            raise ValueError("rows are not as wide as the header")
        if self._chart is not None and not all(map(_parse_chart, columns[self._chart])):
            raise ValueError("rows are of another chart")
        values = [
            [field.value] * len(lines) if field.column is None else field.read_all(columns[field.column])
            for field in self._fields.values()
        ]
        return [lines, *values]

    def read(self, line: int, cells: list[str]) -> ChartRow | Rejection | None:
        """Return the row, why it is none, or None where it belongs to another chart.

        Raises:
            InvalidRequestError: the row is of another region or day than the file is said to be.
        """
        if len(cells) != self._width:
            cells = cells + [""] * (self._width - len(cells))
        try:
            if self._chart is not None and not _parse_chart(cells[self._chart]):
                return None
            row = ChartRow(line, *[field.read(cells) for field in self._fields.values()])
        except ValueError:
            return self._reject(line, cells)
        except _DisagreementError as error:
            raise self._refuse(line, error) from None
        return row if len(cells) == self._width else self._reject(line, cells)

    def _field(self, name: str, parse: Callable[[str], object]) -> _Field:
        return _Field(self._index.get(name), parse)

    def _region_field(self, origin: Origin, given: Given) -> _Field:
        if "region" not in self._index:
            return _Field(value=choose_region(self._name, origin, given))
        return self._field("region", _agreeing("region", parse_region_name, origin.region))

    def _date_field(self, origin: Origin, given: Given) -> _Field:
        if "date" not in self._index:
            return _Field(value=choose_date(self._name, origin))
        parse = lru_cache(maxsize=8192)(lambda text: parse_chart_day(text, given.today))
        return self._field("date", _agreeing("date", parse, origin.date))

    def _reject(self, line: int, cells: list[str]) -> Rejection:
        found: dict[str, Any] = {}
        faults = self._width_faults(cells)
        for name, field in self._fields.items():
            try:
                found[name] = field.read(cells)
            except ValueError as error:
                faults.append((name, cells[self._index[name]], f"{name} {error}"))
            except _DisagreementError as error:
                raise self._refuse(line, error) from None
        known = [found.get(name) for name in ("region", "date", "position", "track_id")]
        name, value, problem = faults[0]
        return Rejection(
            line, name, value[:201], problem, *known
        )  # answers show 200; a file can hold a gigabyte

    def _width_faults(self, cells: list[str]) -> list[tuple[str, str, str]]:
        if len(cells) > self._width:
            problem = f"the row has {len(cells)} cells, the header {self._width}; is a comma unquoted?"
            return [("row", ",".join(cells), problem)]
        if self._chart is not None and cells[self._chart].strip().lower() not in CHARTS:
            return [("chart", cells[self._chart], f"chart is none of {', '.join(CHARTS)}")]
        return []

    def _refuse(self, line: int, error: "_DisagreementError") -> InvalidRequestError:
        contradiction = f"the request or the file's name says {error.said}, line {line} {error.found}"
        refusal = build_disagreement(self._name, error.field, contradiction)
        row = Rejection(line, error.field, str(error.found), contradiction)
        return build_refusal(self._name, row, refusal.detail)


class _DisagreementError(Exception):
    """A row is of another region or day than its file is said to be."""

    def __init__(self, field: str, said: object, found: object) -> None:
        self.field, self.said, self.found = field, said, found


def _agreeing(field: str, parse: Callable[[str], object], said: object) -> Callable[[str], object]:
    if said is None:
        return parse

    def parse_and_agree(text: str) -> object:
        found = parse(text)
        if found != said:
            raise _DisagreementError(field, said, found)
        return found

    return parse_and_agree


def _parse_chart(text: str) -> bool:
    wanted = CHARTS.get(text.strip().lower())
    if wanted is None:
        raise ValueError("is no chart known here")
    return wanted
