"""The committed sample as plain rows, and ways to put all or part of it into a store as an upload does."""

import csv
import datetime as dt
import gzip
import io
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

from app.config import ROOT, Settings
from app.database import Database, build_engine
from app.ingest.schemas import IngestReport
from app.ingest.service import IngestOptions, IngestService
from app.tracks.service import load_metadata
from app.uploads import Upload

SAMPLE = ROOT / "data" / "sample"
REGIONS = ("ph", "us")
LAST_DAY = dt.date(2020, 12, 31)


@dataclass(frozen=True)
class Row:
    """A row of a chart, as a file has it."""

    region: str
    date: dt.date
    position: int
    track_id: str
    track_name: str
    artist: str
    streams: int


@cache
def read_rows() -> tuple[Row, ...]:
    """Every row of the sample."""
    rows = []
    for region in REGIONS:
        with gzip.open(SAMPLE / "charts" / f"{region}.csv.gz", "rt", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                day = dt.date.fromisoformat(row["Date"])
                place = (int(row["Position"]), row["URL"][-22:], row["Track Name"], row["Artist"])
                rows.append(Row(row["Region"], day, *place, int(row["Streams"])))
    return tuple(rows)


@cache
def tracks_with_metadata() -> frozenset[str]:
    """The tracks that the sample's metadata file has."""
    with (SAMPLE / "tracks.csv").open(encoding="utf-8") as stream:
        return frozenset(row["track_id"] for row in csv.DictReader(stream))


def to_csv(rows: list[Row]) -> bytes:
    """A chart file."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Position", "Track Name", "Artist", "Streams", "URL", "Date", "Region"])
    for row in rows:
        url = f"https://open.spotify.com/track/{row.track_id}"
        writer.writerow([row.position, row.track_name, row.artist, row.streams, url, row.date, row.region])
    return text.getvalue().encode()


def ingest_rows(database_url: str, rows: list[Row], *, replace: bool = False) -> IngestReport:
    """Put rows into a store as POST /ingest does: the whole chart of each day in them."""
    database = Database(build_engine(database_url))
    service = IngestService(database, _settings())
    upload = Upload("charts.csv", to_csv(rows))
    report = service.ingest_files([upload], IngestOptions(replace=replace))
    database.dispose()
    return report


def ingest_metadata(database_url: str) -> None:
    """Put the sample's metadata into a store as POST /tracks/metadata does."""
    database = Database(build_engine(database_url))
    load_metadata(database, _settings(), [Upload("tracks.csv", (SAMPLE / "tracks.csv").read_bytes())])
    database.dispose()


def _settings() -> Settings:
    return Settings(_env_file=None)  # type: ignore[call-arg]


@dataclass(frozen=True)
class Sample:
    """Rows of charts, to look things up in."""

    rows: tuple[Row, ...]

    def where(self, keep: Callable[[Row], bool]) -> list[Row]:
        """The rows that ``keep`` takes."""
        return [row for row in self.rows if keep(row)]

    def chart(self, region: str, day: dt.date) -> dict[str, Row]:
        """One day's chart, by track; empty where there is none."""
        return self._by_day.get((region, day), {})

    def days_of(self, region: str, track_id: str) -> list[Row]:
        """A track's rows by day."""
        return self.by_track[region].get(track_id, [])

    @cached_property
    def by_track(self) -> dict[str, dict[str, list[Row]]]:
        """Every track's rows by day, by region and track."""
        found: dict[str, dict[str, list[Row]]] = defaultdict(dict)
        for row in sorted(self.rows, key=lambda row: row.date):
            found[row.region].setdefault(row.track_id, []).append(row)
        return found

    @cached_property
    def _by_day(self) -> dict[tuple[str, dt.date], dict[str, Row]]:
        found: dict[tuple[str, dt.date], dict[str, Row]] = defaultdict(dict)
        for row in self.rows:
            found[row.region, row.date][row.track_id] = row
        return found
