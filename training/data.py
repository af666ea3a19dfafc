"""Reading charts and metadata, from files or from the store, by the app's own parsers and queries.

The one module of ``training`` that knows the app's rooms beside the kernel and the calendar.
"""

import datetime as dt
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from app.config import Settings
from app.database import Database, build_engine
from app.errors import ChartcastError
from app.ingest.content import Budget
from app.ingest.folders import find_chart_files, region_of_folder
from app.ingest.origin import Given
from app.ingest.parsing import parse_chart_file
from app.ingest.rows import ParsedFile
from app.repository.history import read_artists, read_region_days
from app.repository.metadata import read_all_metadata
from app.repository.regions import read_regions
from app.tracks.metadata import parse_metadata
from app.uploads import Upload
from training.panel import Panel, build_panel


class DataError(Exception):
    """Charts that cannot be trained on; the message names the fault."""


def read_panels(data: Sequence[Path], tracks: Sequence[Path], *, region: str | None = None) -> list[Panel]:
    """Lay out chart files and metadata files, a panel a region.

    Args:
        data: Chart files and folders, in any format that ``POST /ingest`` takes.
        tracks: Metadata files; later ones add to earlier ones.
        region: Of files that don't say; left out, the one their folder is named after.

    Raises:
        DataError: a file is no chart or has bad rows, or there is none.
    """
    today = dt.datetime.now(dt.UTC).date()
    rows = []
    for path in find_chart_files(data):
        given = Given(today=today, default_region=region or region_of_folder(path))
        parsed = _parse(path, given)
        if parsed.rejected:
            first = parsed.rejected[0]
            raise DataError(
                f"{path} has {len(parsed.rejected)} bad rows; the first, line {first.line}: {first.problem}"
            )
        rows.extend(parsed.rows)
    charts = pd.DataFrame(
        rows, columns=["line", "region", "date", "position", "track_id", "streams", "_", "artist"]
    )
    return _build_panels(charts, _read_metadata(tracks))


def _parse(path: Path, given: Given) -> ParsedFile:
    try:
        return parse_chart_file(path.name, path.read_bytes(), given, Budget(sys.maxsize, sys.maxsize))
    except ChartcastError as error:
        raise DataError(str(error)) from error


def read_store(database_url: str) -> list[Panel]:
    """Lay out what a store holds, a panel a region.

    Raises:
        DataError: it holds no chart.
    """
    database = Database(build_engine(database_url))
    with database.read() as connection:
        metadata = pd.DataFrame.from_dict(read_all_metadata(connection), orient="index")
        parts = []
        for region in read_regions(connection):
            days = read_region_days(connection, region.code, region.first_day, region.last_day)
            frame = pd.DataFrame(days).assign(region=region.code)
            parts.append(frame.assign(artist=frame["track_id"].map(read_artists(connection, region.code))))
    database.dispose()
    charts = pd.concat(parts) if parts else pd.DataFrame()
    return _build_panels(charts, metadata)


def fingerprint(panels: Sequence[Panel]) -> str:
    """A hash of the charts and metadata, the same wherever they were read from."""
    digest = hashlib.sha256()
    for panel in panels:
        digest.update(f"{panel.region} {panel.days[0]} {' '.join(panel.track_ids)}".encode())
        for values in (panel.streams, panel.positions, panel.features, panel.release_days):
            digest.update(values.tobytes())
    return digest.hexdigest()[:16]


def _read_metadata(paths: Sequence[Path]) -> pd.DataFrame:
    settings = Settings.model_construct(max_unpacked_bytes=sys.maxsize, max_upload_rows=sys.maxsize)
    merged: dict[str, dict[str, object]] = {}
    for path in paths:
        for track_id, values in parse_metadata(Upload(path.name, path.read_bytes()), settings).tracks.items():
            merged.setdefault(track_id, {}).update(values)
    return pd.DataFrame.from_dict(merged, orient="index")


def _build_panels(charts: pd.DataFrame, metadata: pd.DataFrame) -> list[Panel]:
    if charts.empty:
        raise DataError("there is no daily chart in the data given")
    charts = charts.assign(date=pd.to_datetime(charts["date"]))
    return [build_panel(chart, metadata, str(region)) for region, chart in charts.groupby("region")]
