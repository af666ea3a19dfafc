"""Schemathesis, run against a server process of its own on the committed sample."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from app.database import Database, build_engine
from app.schema import migrate
from tests.access.stored_keys import store_key
from tests.bench.processes import serve_as_make_run
from tests.sample import LAST_DAY, Row, ingest_metadata, ingest_rows, read_rows

CONFIG = Path(__file__).parent / "schemathesis.toml"
# The tracks that the document's examples ask for, each to be the first of its region's last chart.
EXAMPLES = {"ph": "4umIPjkehX1r7uhmGvXiSV", "us": "0kN8xEmgMW9mh7UmDYHlJP"}


def fill_store(database_url: str) -> str:
    """Migrate a store and put the sample into it, with two of its tracks under the ids of the examples.

    Returns:
        A key that may do everything.
    """
    database = Database(build_engine(database_url))
    migrate(database)
    database.dispose()
    ingest_rows(database_url, _rename_tracks(list(read_rows())))
    ingest_metadata(database_url)
    return store_key(database_url, "admin")


def _rename_tracks(rows: list[Row]) -> list[Row]:
    renamed = {
        (row.region, row.track_id): EXAMPLES[row.region]
        for row in rows
        if row.date == LAST_DAY and row.position == 1
    }
    return [replace(row, track_id=renamed.get((row.region, row.track_id), row.track_id)) for row in rows]


@contextmanager
def serve_store(database_url: str, folder: Path) -> Iterator[str]:
    """The address of the service on a store, started as ``make run`` does, with the bundles that ship."""
    environment = {"CHARTCAST_DATABASE_URL": database_url, "CHARTCAST_MODELS_DIR": str(folder / "no-models")}
    with serve_as_make_run(environment) as server:
        yield f"http://127.0.0.1:{server.port}"


def fuzz(address: str, key: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Hold the service at ``address`` against its OpenAPI document; 0 where nothing was found.

    Args:
        address: Of the service; what is stored there changes.
        key: That it answers to, whatever is asked.
        folder: Where Schemathesis may leave its files.
        options: Of ``schemathesis run``.
    """
    program = "import sys; from schemathesis.cli import schemathesis; sys.exit(schemathesis())"
    command = [sys.executable, "-c", program, "--config-file", str(CONFIG), "run", f"{address}/openapi.json"]
    common = ("--continue-on-failure", "--request-timeout", "60", "--no-color")
    shown = ("--header", f"Authorization: Bearer {key}")
    return subprocess.run([*command, *common, *shown, *options], cwd=folder, capture_output=True, text=True)
