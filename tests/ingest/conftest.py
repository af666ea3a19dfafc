"""The app on SQLite alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.main import create_app
from tests.serving import LOCAL


@pytest.fixture
def lone_client(sqlite_database_url: str, tmp_path: Path) -> Iterator[TestClient]:
    """The app on SQLite alone, with small limits, for what never reaches the store."""
    small = Settings(
        _env_file=None,  # type: ignore[call-arg]
        database_url=sqlite_database_url,
        models_dir=tmp_path,
        max_body_bytes=20_000,
        max_json_bytes=10_000,
        max_unpacked_bytes=100_000,
        max_upload_rows=200,
    )
    with TestClient(create_app(small), raise_server_exceptions=False, client=LOCAL) as started:
        yield started
