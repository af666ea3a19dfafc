"""An upload whose process is killed is there whole or not at all; sent again, it ends with the right rows."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.bench.processes import ROOT
from tests.faults.servers import (
    CSV,
    SECONDS,
    as_charts,
    fill,
    large_upload,
    read_charts,
    serving,
    settings_of,
)
from tests.sample import Sample, to_csv
from tests.serving import serve

# Half of the rows are in, on SQLite; on Postgres they go by COPY, in one statement: all are.
MIDDLE = {"sqlite": "2:INSERT INTO daily_streams", "postgresql+psycopg": "1:INSERT INTO track_regions"}


@pytest.mark.parametrize("point", ["middle", "commit", "committed"])
def test_a_server_killed_in_an_upload_leaves_all_of_it_or_none(
    point: str, database_url: str, sample: Sample, tmp_path: Path
) -> None:
    rows, before = large_upload(sample), fill(database_url, sample)
    when = MIDDLE[database_url.partition(":")[0]] if point == "middle" else point
    program = ("tests.faults.dying", when, "uvicorn", "app.main:app")
    with serving(database_url, tmp_path, program=program) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            server.client.post("/ingest", content=to_csv(rows), headers=CSV)
        assert server.wait() == -signal.SIGKILL
    after = before | as_charts(rows)
    assert read_charts(database_url) == (after if point == "committed" else before)
    with serve(database_url, tmp_path / "models") as client:
        again = client.post("/ingest", content=to_csv(rows), headers=CSV)
        assert again.status_code == (200 if point == "committed" else 201), again.text
    assert read_charts(database_url) == after


def test_a_backfill_killed_in_its_second_file_keeps_the_first_and_is_run_again(
    database_url: str, sample: Sample, tmp_path: Path
) -> None:
    rows, before = large_upload(sample), fill(database_url, sample)
    first = [row for row in rows if row.date == rows[0].date]
    (tmp_path / "a.csv").write_bytes(to_csv(first))
    (tmp_path / "b.csv").write_bytes(to_csv(rows[len(first) :]))
    killed = _ingest(database_url, tmp_path, "tests.faults.dying", "2:UPDATE regions", "app")
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert read_charts(database_url) == before | as_charts(first)
    again = _ingest(database_url, tmp_path, "app")
    assert again.returncode == 0, again.stdout
    assert "unchanged" in again.stdout
    assert read_charts(database_url) == before | as_charts(rows)


def _ingest(database_url: str, folder: Path, *program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *program, "ingest", str(folder / "a.csv"), str(folder / "b.csv")],
        env=settings_of(database_url, folder),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_a_server_killed_from_outside_at_any_time_leaves_all_of_it_or_none(
    database_url: str, sample: Sample, tmp_path: Path
) -> None:
    rows, before = large_upload(sample), fill(database_url, sample)
    body = to_csv(rows)
    with serving(database_url, tmp_path) as server:
        upload = threading.Thread(target=_post_in_vain, args=(server.address, body))
        upload.start()
        time.sleep(0.3)  # somewhere in it: how far depends on the machine, and must not matter
        server.process.kill()
        upload.join(SECONDS)
        assert server.wait() == -signal.SIGKILL
    assert read_charts(database_url) in (before, before | as_charts(rows))


def _post_in_vain(address: str, body: bytes) -> None:
    with contextlib.suppress(httpx.TransportError):
        httpx.post(f"{address}/ingest", content=body, headers=CSV, timeout=SECONDS, trust_env=False)
