"""The load itself: rounds until the time is up, and after each a look at the workers."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple
from urllib.request import urlopen

from tests.bench.load import run_load
from tests.bench.processes import Server, serve_as_make_run
from tests.bench.stores import warm_up
from tests.exposition import Series, parse, total, values
from tests.soak.mix import KINDS, Kind, Mix

MOST_ROUNDS = 3000
ROUTES: dict[Kind, str] = {"predict": "/predict", "batch": "/predict/batch", "ingest": "/ingest"}


class Look(NamedTuple):
    """The workers after a round: resident megabytes and open files of all together."""

    seconds: float
    megabytes: float
    open_files: float


@dataclass
class Soak:
    """What came of a soak.

    Attributes:
        seconds: That the load took, looks included.
        latencies: In seconds, by kind.
        looks: After each round.
        problems: What went wrong; none is wanted.
    """

    seconds: float = 0
    latencies: dict[Kind, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    looks: list[Look] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@contextmanager
def serving(environment: dict[str, str], workers: int) -> Iterator[Server]:
    """``python -m app serve`` with several workers, on every core."""
    quiet = {"CHARTCAST_LOG_LEVEL": "error"}  # slow requests are what a full machine is about
    with serve_as_make_run(environment | quiet, "--workers", str(workers), cores=(0, 1)) as server:
        yield server


def soak(server: Server, mix: Mix, *, seconds: float, connections: int, workers: int) -> Soak:
    """Put the mix on the server for so long. What fails ends it, and is told in what is returned."""
    done = Soak()
    before = _scrape(server)
    begin = monotonic()
    try:
        warm_up(server, mix.track_ids, mix.region)
        _run_rounds(server, mix, done, begin, seconds=seconds, connections=connections)
    except (RuntimeError, OSError, TimeoutError) as error:
        done.problems.append(f"after {monotonic() - begin:.0f} s: {error}")
    else:
        done.problems += _compare_counts(before, _scrape(server), done, len(mix.track_ids))
        done.problems += _count_workers(before, _scrape(server), workers)
    done.seconds = monotonic() - begin
    return done


def _run_rounds(
    server: Server, mix: Mix, done: Soak, begin: float, *, seconds: float, connections: int
) -> None:
    for number in range(MOST_ROUNDS):
        if number and monotonic() - begin >= seconds:
            return
        kinds, requests = zip(*mix.round(number), strict=True)
        load = run_load(server.port, requests, connections, status=(200, 201))
        for kind, latency in zip(kinds, load.latencies, strict=True):
            done.latencies[kind].append(latency)
        series = _scrape(server)
        megabytes = total(series, "process_resident_memory_bytes") / 2**20
        done.looks.append(Look(monotonic() - begin, megabytes, total(series, "process_open_fds")))


def _scrape(server: Server) -> Series:
    with urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=30) as answer:
        return parse(answer.read().decode())


def _compare_counts(before: Series, after: Series, done: Soak, warming: int) -> Iterator[str]:
    """Whether the service counted what was asked of it, and no failure."""
    expected = Counter({kind: len(latencies) for kind, latencies in done.latencies.items()})
    expected["predict"] += warming
    name = "chartcast_http_requests_total"
    for kind, route in ROUTES.items():
        counted = total(after, name, route=route) - total(before, name, route=route)
        if counted != expected[kind]:
            yield f"{route}: {expected[kind]} answers came, and the service counted {counted:.0f}"
    failed = [dict(labels) for labels in values(after, name) if dict(labels)["status"].startswith("5")]
    if failed:
        yield f"the service counted failures: {failed}"


def _count_workers(before: Series, after: Series, workers: int) -> Iterator[str]:
    pids = [set(values(series, "process_resident_memory_bytes")) for series in (before, after)]
    if len(pids[1]) != workers:
        yield f"{len(pids[1])} workers are there at the end, not {workers}"
    if pids[0] - pids[1]:
        yield "a worker ended, and another took its place"
