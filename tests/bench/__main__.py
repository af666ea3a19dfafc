"""``make bench``: requests a second of ``POST /predict`` over those of the floor, interleaved on loopback.

Both servers run on one core, the client on the other. Figures of single runs are noise on a shared
machine; the ratio of the two, in the same run, holds.
"""

import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from app.config import SAMPLE

ROUNDS, REQUESTS, WAIT_SECONDS = 7, 200, 60
RESULT = Path("var/bench.json")


def main() -> None:
    """Run, print a table, write ``var/bench.json``."""
    if sys.platform == "linux" and (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {1})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = _prepare_store(folder)
        floor = stack.enter_context(_serve("tests.bench.floor:app", environment))
        service = stack.enter_context(_serve("app.main:app", environment))
        track_ids = _list_tracks(service)
        rates: dict[str, list[float]] = {"floor": [], "predict": []}
        for _ in range(ROUNDS):  # in turn, so that a slow spell of the machine hits both
            rates["floor"].append(_measure(floor, track_ids))
            rates["predict"].append(_measure(service, track_ids))
    ratios = [ours / theirs for ours, theirs in zip(rates["predict"], rates["floor"], strict=True)]
    ratio = {"min": min(ratios), "median": statistics.median(ratios), "max": max(ratios)}
    result = {
        "what": "POST /predict, horizon 1, one track, one connection, SQLite, over a FastAPI echo",
        "requests_per_second": {name: statistics.median(values) for name, values in rates.items()},
        "ratio": ratio,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print("| what | min | median | max |\n| --- | --- | --- | --- |")
    print("| predict / echo | " + " | ".join(f"{value:.2f}" for value in ratio.values()) + " |")
    print(f"\n{result['machine']}; {ROUNDS} rounds of {REQUESTS} requests; written to {RESULT}")


def _prepare_store(folder: Path) -> dict[str, str]:
    environment = os.environ | {"CHARTCAST_DATABASE_URL": f"sqlite:///{folder / 'bench.db'}"}
    command = [sys.executable, "-m", "app", "ingest", str(SAMPLE / "charts")]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return environment


@contextmanager
def _serve(app: str, environment: dict[str, str]) -> Iterator[httpx.Client]:
    port = _free_port()
    options = ["--port", str(port), "--no-access-log", "--log-level", "warning"]
    command = [sys.executable, "-m", "uvicorn", app, *options]
    if sys.platform == "linux":
        command = ["taskset", "-c", "0", *command]
    process = subprocess.Popen(command, env=environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            _await(client)
            yield client
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await(client: httpx.Client) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        try:
            client.get("/openapi.json")
            return
        except httpx.ConnectError:
            time.sleep(0.1)
    raise TimeoutError("the server did not come up")


def _list_tracks(service: httpx.Client) -> list[str]:
    listing = service.get("/tracks", params={"region": "ph", "limit": 100}).raise_for_status().json()
    return [item["track_id"] for item in listing["items"]]


def _measure(client: httpx.Client, track_ids: list[str]) -> float:
    """Requests a second."""
    start = time.perf_counter()
    for i in range(REQUESTS):
        body = {"track_id": track_ids[i % len(track_ids)], "region": "ph"}
        client.post("/predict", json=body).raise_for_status()
    return REQUESTS / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
