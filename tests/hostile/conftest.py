"""A server process for the tests on the wire."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.processes import Server, serve_as_make_run

LIMITS = {
    "CHARTCAST_MAX_BODY_BYTES": "2000000",
    "CHARTCAST_MAX_JSON_BYTES": "200000",
    "CHARTCAST_MAX_UNPACKED_BYTES": "20000000",
    "CHARTCAST_MAX_UPLOAD_ROWS": "20000",
}


@pytest.fixture(scope="session")
def server(sqlite_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service as ``make run`` starts it, on the sample in SQLite, with small limits."""
    folder = tmp_path_factory.mktemp("wire")
    store = shutil.copy(sqlite_sample, folder / "wire.db")
    given = {"CHARTCAST_DATABASE_URL": f"sqlite:///{store}", "CHARTCAST_MODELS_DIR": str(folder / "none")}
    with serve_as_make_run(given | LIMITS) as started:
        yield started
