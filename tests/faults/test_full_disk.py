"""A SQLite store that cannot be written to: uploads are told so, reads go on, nothing half-done stays."""

import ctypes
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from app.database_errors import FULL, READ_ONLY
from tests.faults.servers import (
    CSV,
    Server,
    as_charts,
    assert_unavailable,
    fill,
    large_upload,
    read_charts,
    serving,
)
from tests.sample import LAST_DAY, Sample, to_csv

LIMIT = 2**20  # of a file, or of the whole disk beside the store: the upload wants more
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_FOWNER = 24, 1, 3


def test_a_file_that_may_not_grow_is_told_and_nothing_else_stops(
    sqlite_database_url: str, sample: Sample, tmp_path: Path
) -> None:
    before, rows = fill(sqlite_database_url, sample), large_upload(sample)
    limits = (LIMIT, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    with serving(
        sqlite_database_url, tmp_path, restrict=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    ) as server:
        _hold_to_what_is_promised(server, sample, to_csv(rows), FULL)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (limits[1], limits[1]))
        assert server.client.post("/ingest", content=to_csv(rows), headers=CSV).status_code == 201
    assert read_charts(sqlite_database_url) == before | as_charts(rows)


def test_a_full_disk_is_told_and_nothing_else_stops(
    sqlite_database_url: str, sample: Sample, tmp_path: Path
) -> None:
    before, rows = fill(sqlite_database_url, sample), large_upload(sample)
    path = Path(make_url(sqlite_database_url).database or "")
    disk = tmp_path / "disk"
    with _mounted(disk, path.stat().st_size + 12 * LIMIT):
        url = f"sqlite:///{disk / 'chartcast.db'}"
        (disk / "chartcast.db").write_bytes(path.read_bytes())
        filler = disk / "filler"
        with serving(url, tmp_path) as server:
            filler.write_bytes(bytes(11 * LIMIT))
            _hold_to_what_is_promised(server, sample, to_csv(rows), FULL)
            filler.unlink()
            assert server.client.post("/ingest", content=to_csv(rows), headers=CSV).status_code == 201
        assert read_charts(url) == before | as_charts(rows)


@contextmanager
def _mounted(folder: Path, size: int) -> Iterator[None]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not permitted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_store_that_is_read_only_is_told_and_is_read(
    sqlite_database_url: str, sample: Sample, tmp_path: Path
) -> None:
    before, rows = fill(sqlite_database_url, sample), large_upload(sample)
    path = Path(make_url(sqlite_database_url).database or "")
    path.chmod(0o444)
    with serving(sqlite_database_url, tmp_path, restrict=_heed_permissions) as server:
        _hold_to_what_is_promised(server, sample, to_csv(rows), READ_ONLY)
    assert read_charts(sqlite_database_url) == before


def _heed_permissions() -> None:
    """Let go of what allows root to write to any file."""
    prctl = ctypes.CDLL(None).prctl
    for capability in (CAP_DAC_OVERRIDE, CAP_FOWNER):
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def _hold_to_what_is_promised(server: Server, sample: Sample, body: bytes, said: str) -> None:
    chart = f"/charts/ph/{LAST_DAY}"
    track = {"track_id": next(iter(sample.chart("ph", LAST_DAY))), "model": "baseline"}
    before = server.client.get(chart).json()
    for _ in range(2):
        assert assert_unavailable(server.client.post("/ingest", content=body, headers=CSV)).startswith(said)
        assert server.client.get(chart).json() == before
        assert server.client.post("/predict", json=track).status_code == 200
        assert server.client.get("/readyz").status_code == 200
