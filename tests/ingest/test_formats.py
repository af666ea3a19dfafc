"""Every published format is recognised by its header and read to the same rows; what is none is named."""

import csv
import datetime as dt
import io
from pathlib import Path

import pytest

from app.errors import ChartcastError, InvalidRequestError, UnsupportedFormatError
from app.ingest.formats import FORMATS
from tests.ingest.chart_files import CHARTS, TODAY, parse, track_of

GOOD = sorted(path for path in (CHARTS / "good").rglob("*.csv"))


def _format_of(path: Path) -> str:
    return path.stem if path.parent.name == "good" else path.parent.name


def test_there_is_a_good_file_of_every_format() -> None:
    assert sorted(_format_of(path) for path in GOOD) == sorted(form.name for form in FORMATS)


@pytest.mark.parametrize("path", GOOD, ids=_format_of)
def test_every_format_is_read_to_the_same_rows(path: Path) -> None:
    file = parse(path.name, path.read_bytes(), default_region="ph")
    assert file.format == _format_of(path)
    assert not file.rejected
    rows = [row[2:] for row in file.rows if row.region == "ph"]
    assert rows == [
        (TODAY, 1, track_of("A"), 253019, "Rain, Again", "The Ferns"),
        (TODAY, 2, track_of("B"), 1234, "Two\nLines", "=1+1"),
        (TODAY, 3, track_of("C"), 1200, None, None),
    ]


@pytest.mark.parametrize("path", GOOD, ids=_format_of)
def test_columns_go_by_name_in_any_order_and_case(path: Path) -> None:
    records = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    if not records[0][0]:
        del records[0]
    turned = io.StringIO()
    csv.writer(turned).writerows([list(reversed(record)) for record in records])
    header, _, rest = turned.getvalue().partition("\r\n")
    before = parse(path.name, path.read_bytes(), default_region="ph")
    after = parse(path.name, f"{header.swapcase()}\r\n{rest}", default_region="ph")
    assert [row[1:] for row in after.rows] == [row[1:] for row in before.rows]


def test_rows_of_another_chart_in_a_mixed_file_are_skipped() -> None:
    file = parse("dump.csv", (CHARTS / "good" / "public_dump.csv").read_bytes())
    assert file.skipped == 1
    assert {row.region for row in file.rows} == {"ph", "global", "kr"}


def test_a_row_of_a_chart_that_is_none_is_rejected() -> None:
    text = (CHARTS / "good" / "public_dump.csv").read_text().replace("viral50", "top40")
    [rejection] = parse("dump.csv", text).rejected
    assert (rejection.line, rejection.field, rejection.value) == (6, "chart", "top40")


def test_a_region_column_is_read_wherever_it_is() -> None:
    text = f"date,position,track_id,track_name,artist,streams,region\n2021-01-01,1,{track_of('A')},,,5,us\n"
    assert [row.region for row in parse("dump.csv", text).rows] == ["us"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("kworb.csv", "no track ids"),
        ("regional-ph-weekly-2021-01-07.csv", "weekly"),
        ("weeks_on_chart.csv", "weekly"),
        ("regional-ph-daily-2021-01-02.csv", "HTML page"),
        ("viral.csv", "lacks streams"),
        ("utf16.csv", "UTF-16"),
    ],
)
def test_what_is_no_daily_chart_is_refused_by_what_it_is(name: str, said: str) -> None:
    with pytest.raises(UnsupportedFormatError, match=said):
        parse(name, (CHARTS / "broken" / name).read_bytes(), region="ph", date=dt.date(2021, 1, 1))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"a,b\n1,2\n", b"PK\x03\x04rest", b"PK\x03\x04"])
def test_what_is_no_chart_file_at_all_is_refused(content: bytes) -> None:
    with pytest.raises(UnsupportedFormatError):
        parse("x.csv", content, region="ph", date=TODAY)


def test_a_column_twice_is_refused() -> None:
    with pytest.raises(UnsupportedFormatError, match="'streams' more than once"):
        parse("x.csv", "Position,Track Name,Streams,Streams,URL,Date\n", region="ph")


def test_a_header_without_rows_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="no rows"):
        parse("x.csv", (CHARTS / "broken" / "header_only.csv").read_bytes(), region="ph")


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("unclosed_quote.csv", 3, "quote"),
        ("not_utf8.csv", 3, "UTF-8"),
        ("nul.csv", 2, "NUL"),
    ],
)
def test_a_damaged_file_is_refused_with_the_line(name: str, line: int, said: str) -> None:
    with pytest.raises(ChartcastError, match=said) as refused:
        parse(name, (CHARTS / "broken" / name).read_bytes(), region="ph")
    assert refused.value.status == 422
    [row] = refused.value.extra["rejected_rows"]
    assert row["line"] == line


def test_every_bad_row_is_rejected_with_its_line_and_the_fault() -> None:
    file = parse("bad.csv", (CHARTS / "broken" / "bad_rows.csv").read_bytes(), region="ph")
    assert [row.line for row in file.rows] == [2]
    assert [(rejection.line, rejection.field) for rejection in file.rejected] == [
        *[(line, "streams") for line in range(4, 10)],
        (10, "position"),
        (11, "position"),
        (12, "position"),
        (13, "track_id"),
        (14, "track_id"),
        (15, "date"),
        (16, "date"),
        (17, "date"),
        (18, "row"),
    ]
    problems = {rejection.line: rejection.problem for rejection in file.rejected}
    assert "on line 2 already" in problems[12]
    assert "on line 2 already" in problems[13]
    assert "in the future: it is 2021-01-01" in problems[15]
