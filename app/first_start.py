"""What ``python -m app serve`` does before it serves: fill an empty store, and say where to look."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from app.config import ROOT, SAMPLE, Settings
from app.database import Database
from app.ingest.folders import find_chart_files
from app.repository.api_keys import read_keys
from app.repository.regions import read_regions
from app.repository.tracks import read_tracks
from app.tracks.schemas import MetadataReport
from app.tracks.service import load_metadata
from app.uploads import Upload


def store_of(data: Path | None, settings: Settings) -> Settings:
    """The settings, with a store named after ``data`` where the environment names none.

    So charts given on the command line never mix with the sample's, or with another file's.
    """
    if data is None or "database_url" in settings.model_fields_set:
        return settings
    digest = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:8]
    path = ROOT / "var" / f"{data.name.split('.')[0]}-{digest}.db"
    return settings.model_copy(update={"database_url": f"sqlite:///{path}"})


def is_empty(database: Database) -> bool:
    """Whether the store has no chart at all."""
    with database.read() as connection:
        return not read_regions(connection)


def find_first_charts(data: Path | None) -> list[Path]:
    """The chart files to fill an empty store with: of ``data``, else the sample.

    Raises:
        FileNotFoundError: there is none.
    """
    folder = data or SAMPLE / "charts"
    files = find_chart_files([folder])
    if not files:
        raise FileNotFoundError(f"{folder}: no *.csv or *.csv.gz in there")
    return files


def load_first_metadata(
    database: Database, settings: Settings, data: Path | None, tracks: Sequence[Path]
) -> MetadataReport | None:
    """Store the metadata given; the sample's where the charts are the sample's too.

    Raises:
        ChartcastError: a file is none, or is damaged.
        OSError: a file cannot be read.
    """
    paths = list(tracks) or ([SAMPLE / "tracks.csv"] if data is None else [])
    if not paths:
        return None
    return load_metadata(database, settings, [Upload(path.name, path.read_bytes()) for path in paths])


def print_greeting(console: Console, database: Database, host: str, port: int) -> None:
    """Say where the docs are, and one request that answers."""
    address = f"http://{host}:{port}"
    console.print(f"\nAPI          {address}/docs  (also /redoc, /openapi.json)")
    console.print(f"health       {address}/readyz")
    with database.read() as connection:
        keys = read_keys(connection)
        console.print(
            f"access       {'a key with every request' if keys else 'this machine alone: no keys'}\n"
        )
        regions = read_regions(connection)
        for state in regions:
            console.print(f"region {state.code}: charts from {state.first_day} to {state.last_day}")
        if regions:
            top = read_tracks(connection, [regions[0].code], text=None, after=None, limit=1)[0]
            body = json.dumps({"track_id": top.track_id, "region": regions[0].code, "horizon": 3})
            shown = '-H "Authorization: Bearer $KEY" ' if keys else ""
            console.print("\nTry, from another terminal:\n")
            console.print(
                f"curl -s {address}/predict {shown}-H 'content-type: application/json' -d '{body}'\n"
            )
