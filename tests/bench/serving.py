"""Goal 1: ``POST /predict`` over a FastAPI echo of the same bodies, by the same client."""

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle, islice
from statistics import median

from tests.bench.load import Load, run_load
from tests.bench.processes import Server, serve, serve_as_make_run
from tests.bench.report import Row
from tests.bench.setting import Setting, ratios
from tests.bench.stores import (
    build_predict,
    create_database,
    environment_of,
    fill_with_sample,
    postgres_server,
    read_chart,
    sample_store,
    warm_up,
)

REQUESTS = {1: 600, 64: 1280}  # by connections
WHAT = "one track, horizon 1, uncached, `make run` on the sample"


def measure(setting: Setting) -> Iterator[Row]:
    """Rows of goal 1."""
    with ExitStack() as stack:
        servers = {"echo": stack.enter_context(serve("tests.bench.floor:app", {}))}
        urls = {
            "sqlite": sample_store(setting.folder, "serving"),
            "postgres": create_database(stack.enter_context(postgres_server())),
        }
        fill_with_sample(urls["postgres"])
        for name, url in urls.items():
            servers[name] = stack.enter_context(serve_as_make_run(environment_of(url, setting.folder)))
        track_ids = read_chart(servers["sqlite"])
        for name in urls:
            warm_up(servers[name], track_ids)
        yield from _compare(setting, servers, track_ids)


def _compare(setting: Setting, servers: dict[str, Server], track_ids: list[str]) -> Iterator[Row]:
    for connections, full in REQUESTS.items():
        requests = [build_predict(t) for t in islice(cycle(track_ids), setting.count(full))]
        loads: dict[str, list[Load]] = {name: [] for name in servers}

        def take(name: str) -> float:
            load = run_load(servers[name].port, requests, connections)  # noqa: B023
            loads[name].append(load)  # noqa: B023
            return load.rate

        measures = {name: lambda name=name: take(name) for name in servers}
        rates = setting.interleave(measures)
        for name in ("sqlite", "postgres"):
            yield _rate_row(name, connections, rates)
            if connections > 1:
                yield _tail_row(name, loads)


def _rate_row(name: str, connections: int, rates: dict[str, list[float]]) -> Row:
    ours, floor = (f"{median(rates[of]):.0f}" for of in (name, "echo"))
    note = f"{WHAT}; {ours} against {floor} requests/s"
    return Row(f"{name}_{connections}", ratios(rates[name], rates["echo"]), note)


def _tail_row(name: str, loads: dict[str, list[Load]]) -> Row:
    def say(of: str) -> str:
        p50, p99 = (1000 * median(load.percentile(p) for load in loads[of]) for p in (50, 99))
        return f"{p50:.1f} and {p99:.1f} ms"

    tails = [load.percentile(99) / load.percentile(50) for load in loads[name]]
    return Row(f"tail_{name}", tails, f"p50 and p99: {say(name)}; echo {say('echo')}")
