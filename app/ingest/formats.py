"""The chart formats there are, told apart by their header."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.errors import UnsupportedFormatError

ID_COLUMNS = frozenset({"track_id", "uri", "url"})


@dataclass(frozen=True)
class Format:
    """One published form of a daily chart.

    Attributes:
        name: What answers call it.
        columns: The header name of each field. ``region`` and ``date`` are read wherever a file has
            them; one that lacks them takes them from its name or from the request.
        signature: The header names that a file of this format has, whatever else is there.
        chart_column: Where a row says which chart it is of, in files that mix charts.
    """

    name: str
    columns: Mapping[str, str]
    signature: frozenset[str]
    chart_column: str | None = None


_BY_URL = {
    "region": "region",
    "date": "date",
    "position": "position",
    "track_id": "url",
    "streams": "streams",
    "track_name": "track name",
    "artist": "artist",
}
_BY_RANK = {**_BY_URL, "position": "rank", "track_name": "title"}
_BY_URI = {**_BY_RANK, "track_id": "uri", "track_name": "track_name", "artist": "artist_names"}
_BY_ID = {**_BY_URL, "track_id": "track_id", "track_name": "track_name"}

PUBLIC_DUMP = Format(
    "public_dump",
    _BY_RANK,
    frozenset({"title", "rank", "date", "url", "region", "chart", "streams"}),
    chart_column="chart",
)
CHARTS_SPOTIFY = Format("charts_spotify", _BY_URI, frozenset({"rank", "uri", "streams"}))
TRACK_ID_DUMP = Format("track_id_dump", _BY_ID, frozenset({"date", "position", "track_id", "streams"}))
MULTI_REGION = Format(
    "multi_region_csv", _BY_URL, frozenset({"position", "streams", "url", "date", "region"})
)
DAILY = Format("daily_csv", _BY_URL, frozenset({"position", "streams", "url", "date"}))
SPOTIFYCHARTS = Format("spotifycharts", _BY_URL, frozenset({"position", "track name", "streams", "url"}))
JSON_ENTRIES = Format("json", _BY_ID, frozenset({"position", "track_id", "streams"}))

# From the most telling header to the least: the last is part of the two before it.
FORMATS = (PUBLIC_DUMP, CHARTS_SPOTIFY, TRACK_ID_DUMP, MULTI_REGION, DAILY, SPOTIFYCHARTS)


def parse_header(cells: Sequence[str]) -> list[str]:
    """Return the column names in the form that formats name them by."""
    return [" ".join(cell.split()).lower() for cell in cells]


def recognise_format(name: str, header: Sequence[str]) -> Format:
    """Return the format whose signature ``header`` (from ``parse_header``) has.

    Raises:
        UnsupportedFormatError: it is no daily chart of tracks; says what it looks like.
    """
    found = frozenset(header)
    for form in FORMATS:
        if form.signature <= found and "weeks_on_chart" not in found:
            _refuse_twins(name, form, header)
            return form
    raise UnsupportedFormatError(f"{name}: {_explain(found)}", errors=[("file", "unknown header")])


def _refuse_twins(name: str, form: Format, header: Sequence[str]) -> None:
    twins = [column for column in form.columns.values() if header.count(column) > 1]
    if twins:
        detail = f"{name}: the header has {twins[0]!r} more than once; send each column once."
        raise UnsupportedFormatError(detail, errors=[("file", "a column twice")])


def _explain(found: frozenset[str]) -> str:
    if "weeks_on_chart" in found:
        return "this is a weekly chart (it has weeks_on_chart); send the daily one."
    if "streams" in found and not ID_COLUMNS & found:
        return (
            "this table has no track ids (no track_id, uri or url column), as kworb's have none; "
            "send the publisher's own chart file."
        )
    form = max(FORMATS, key=lambda form: len(form.signature & found) / len(form.signature))
    if len(form.signature & found) < 2:
        return (
            "this is no daily chart file known here; the header is one of those in the docs of POST /ingest."
        )
    missing = ", ".join(sorted(form.signature - found))
    return f"this looks like a {form.name} chart, and its header lacks {missing}."
