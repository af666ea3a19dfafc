"""Several workers, one answer to a scrape: whichever is asked tells what all of them counted."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from app.config import ROOT
from tests.bench.processes import free_port, stop, wait_until_up
from tests.exposition import Series, parse, total, values

REQUESTS = 40
WAIT_SECONDS = 60


@contextmanager
def _serve(database_url: str, folder: Path) -> Iterator[int]:
    """``python -m app serve --workers 2`` on a port; its stderr and its folder of metrics in ``folder``."""
    port = free_port()
    given = {
        "CHARTCAST_DATABASE_URL": database_url,
        "CHARTCAST_MODELS_DIR": str(folder / "models"),
        "CHARTCAST_LOG_ALL_REQUESTS": "true",
        "TMPDIR": str(folder),
    }
    with (folder / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", str(port), "--workers", "2"],
            cwd=ROOT,
            env=os.environ | given,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
    try:
        wait_until_up(port, process)
        yield port
    finally:
        stop(process)


def _get(port: int, path: str) -> str:
    # A connection each, so that it is now one worker that answers and now the other.
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        text: str = answer.read().decode()
        return text


def _scrape(port: int) -> Series:
    return parse(_get(port, "/metrics"))


def _workers(series: Series) -> set[int]:
    return {int(dict(of)["pid"]) for of in values(series, "chartcast_model_version", model="lstm")}


def _wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(0.2)


def _scrape_until(port: int, holds: Callable[[Series], bool]) -> Series:
    found: list[Series] = []

    def look() -> bool:
        found.append(_scrape(port))
        return holds(found[-1])

    _wait_until(look)
    return found[-1]


def _count_lines(path: Path, route: str) -> int:
    """The log lines of requests to a route; every line must be JSON, but the one that is being written."""
    return sum(line.get("route") == route for line in _lines_of(path, "app.requests"))


def _lines_of(path: Path, logger: str) -> list[dict[str, Any]]:
    whole = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [line for line in map(json.loads, whole) if line["logger"] == logger]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which processes there are")
def test_what_two_workers_counted_is_told_together_and_outlives_one_of_them(
    sqlite_sample: Path, tmp_path: Path
) -> None:
    with _serve(f"sqlite:///{sqlite_sample}", tmp_path) as port:
        before = _workers(_scrape_until(port, lambda series: len(_workers(series)) == 2))
        for _ in range(REQUESTS):
            _get(port, "/healthz")
        name, labels = "chartcast_http_requests_total", {"route": "/healthz", "status": 200}
        scrapes = [_scrape(port) for _ in range(6)]
        assert [total(series, name, **labels) for series in scrapes] == [REQUESTS] * 6
        assert len(values(scrapes[0], "process_resident_memory_bytes")) == 2
        assert len(values(scrapes[0], "chartcast_data_age_days")) == 2  # of two regions, not of each worker

        # A line follows its answer, and a worker that is killed in between takes it along.
        _wait_until(lambda: _count_lines(tmp_path / "stderr", "/healthz") == REQUESTS)
        killed = before.pop()
        os.kill(killed, signal.SIGKILL)  # the supervisor starts another
        series = _scrape_until(port, lambda s: killed not in _workers(s) and len(_workers(s)) == 2)
        assert before < _workers(series)
        assert total(series, name, **labels) == REQUESTS
        assert list(tmp_path.glob("chartcast-metrics-*"))
        # On a machine that is very busy the supervisor may take a worker that starts for one that hangs.
        deaths = {line["worker"]: line for line in _lines_of(tmp_path / "stderr", "app.supervisor")}
        assert (deaths[killed]["exit_code"], deaths[killed]["level"]) == (-signal.SIGKILL, "error")
    assert not list(tmp_path.glob("chartcast-metrics-*"))
    assert _count_lines(tmp_path / "stderr", "/healthz") == REQUESTS
