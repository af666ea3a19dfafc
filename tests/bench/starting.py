"""Goal 5: how soon a process answers, how much memory it keeps, what a second worker brings."""

import http.client
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle, islice
from statistics import median

from tests.bench.load import run_load
from tests.bench.processes import CLIENT_CORE, QUIET, SERVER_CORE, Server, free_port, serve, start
from tests.bench.report import Row
from tests.bench.setting import Setting, ratios
from tests.bench.stores import (
    build_predict,
    environment_of,
    read_chart,
    sample_store,
    warm_up,
)

MOST_SECONDS = 60
REQUESTS = 1280
UVICORN = ("-m", "uvicorn", *QUIET)


def measure(setting: Setting) -> Iterator[Row]:
    """Rows of goal 5."""
    url = sample_store(setting.folder, "start")
    environment = environment_of(url, setting.folder)
    with ExitStack() as stack:
        one = stack.enter_context(serve("app.main:app", environment))
        two = stack.enter_context(
            serve("app.main:app", environment, "--workers", "2", cores=(SERVER_CORE, CLIENT_CORE))
        )
        track_ids = read_chart(one)
        warm_up(one, track_ids)
        warm_up(two, track_ids * 2)  # both workers, more likely than not
        yield from _measure_workers(setting, one, two, track_ids)
    yield from _measure_cold_start(setting, environment, track_ids[0])


def _measure_workers(setting: Setting, one: Server, two: Server, track_ids: list[str]) -> Iterator[Row]:
    requests = [build_predict(track_id) for track_id in islice(cycle(track_ids), setting.count(REQUESTS))]
    memory: list[float] = []

    def rate_of_one() -> float:
        rate = run_load(one.port, requests, 64).rate
        memory.append(one.resident_megabytes())
        return rate

    rates = setting.interleave({"one": rate_of_one, "two": lambda: run_load(two.port, requests, 64).rate})
    said = f"SQLite, the load generator on the second core too: {median(rates['two']):.0f} against "
    yield Row("workers", ratios(rates["two"], rates["one"]), f"{said}{median(rates['one']):.0f} requests/s")
    yield Row("memory", memory, "resident set after 64 connections' load, shared pages counted in")


def _measure_cold_start(setting: Setting, environment: dict[str, str], track_id: str) -> Iterator[Row]:
    seconds = setting.interleave(
        {
            "bare": _timed((*UVICORN, "tests.bench.bare:app"), environment, track_id),
            "cold_start": _timed((*UVICORN, "app.main:app"), environment, track_id),
            "cold_start_run": _timed(("-m", "app", "serve"), environment, track_id),
        }
    )
    for key in ("cold_start", "cold_start_run"):
        ours, bare = (median(seconds[name]) for name in (key, "bare"))
        note = f"from spawn, store filled, forecasts of the past on record: {ours:.2f} against {bare:.2f} s"
        yield Row(key, ratios(seconds[key], seconds["bare"]), note)


def _timed(command: Sequence[str], environment: dict[str, str], track_id: str) -> Callable[[], float]:
    body = build_predict(track_id).partition(b"\r\n\r\n")[2]

    def time_start() -> float:
        port = free_port()
        begin = time.perf_counter()
        with start([*command, "--port", str(port)], environment):
            while not _answers(port, body):
                if time.perf_counter() - begin > MOST_SECONDS:
                    raise TimeoutError("no answer from the new process")
                time.sleep(0.002)
            return time.perf_counter() - begin

    return time_start


def _answers(port: int, body: bytes) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=MOST_SECONDS)
    try:
        connection.request("POST", "/predict", body, {"content-type": "application/json"})
        return connection.getresponse().status == 200
    except ConnectionRefusedError:
        return False
    finally:
        connection.close()
