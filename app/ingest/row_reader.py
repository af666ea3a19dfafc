"""From the cells of one record to a row, or to the reason why it is none."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from app.errors import InvalidRequestError
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
)
from app.regions import parse_region_name

CellReader = Callable[[Sequence[str]], Any]
CHARTS = {"top200": True, "viral50": False}  # of a file that mixes charts, those to read


class RowReader:
    """Reads rows of one file: one reader a field, in the order of ``ChartRow``'s fields."""

    def __init__(
        self, name: str, *, form: Format, header: Sequence[str], origin: Origin, given: Given
    ) -> None:
        self.form = form
        self._name = name
        self._width = len(header)
        self._index = {f: header.index(column) for f, column in form.columns.items() if column in header}
        self._chart = header.index(form.chart_column) if form.chart_column else None
        self._readers = {
            "region": self._region_reader(origin, given),
            "date": self._date_reader(origin, given),
            "position": self._column("position", parse_position),
            "track_id": self._column("track_id", parse_track),
            "streams": self._column("streams", parse_whole_number),
            "track_name": self._column("track_name", parse_name),
            "artist": self._column("artist", parse_name),
        }
        self._in_order = tuple(self._readers.values())

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
            row = ChartRow(line, *[read(cells) for read in self._in_order])
        except ValueError:
            return self._reject(line, cells)
        except _DisagreementError as error:
            raise self._refuse(line, error) from None
        return row if len(cells) == self._width else self._reject(line, cells)

    def _column(self, field: str, parse: Callable[[str], object]) -> CellReader:
        index = self._index.get(field)
        return (lambda _: None) if index is None else (lambda cells: parse(cells[index]))

    def _region_reader(self, origin: Origin, given: Given) -> CellReader:
        if "region" not in self._index:
            region = choose_region(self._name, origin, given)
            return lambda _: region
        return self._column("region", _agreeing("region", parse_region_name, origin.region))

    def _date_reader(self, origin: Origin, given: Given) -> CellReader:
        if "date" not in self._index:
            date = choose_date(self._name, origin)
            return lambda _: date
        parse = lru_cache(maxsize=8192)(lambda text: parse_chart_day(text, given.today))
        return self._column("date", _agreeing("date", parse, origin.date))

    def _reject(self, line: int, cells: list[str]) -> Rejection:
        found: dict[str, Any] = {}
        faults = self._width_faults(cells)
        for field, read in self._readers.items():
            try:
                found[field] = read(cells)
            except ValueError as error:
                faults.append((field, cells[self._index[field]], f"{field} {error}"))
            except _DisagreementError as error:
                raise self._refuse(line, error) from None
        known = [found.get(field) for field in ("region", "date", "position", "track_id")]
        return Rejection(line, *faults[0], *known)

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
