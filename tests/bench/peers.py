"""Goal 4: the same model behind what users would pick instead."""

from collections.abc import Iterator
from itertools import cycle, islice
from statistics import median

from tests.bench.load import build_post, run_load
from tests.bench.processes import Server, serve, serve_as_make_run
from tests.bench.report import Row
from tests.bench.setting import Setting, ratios
from tests.bench.stores import REGION, environment_of, read_chart, sample_store

CONNECTIONS = 16
REQUESTS = {"ours": 960, "naive": 48}


def measure(setting: Setting) -> Iterator[Row]:
    """The row of the naive service."""
    url = sample_store(setting.folder, "peers")
    environment = {**environment_of(url, setting.folder), "BENCH_STORE": url}
    with (
        serve_as_make_run(environment) as ours,
        serve("tests.bench.naive:app", environment) as naive,
    ):
        yield _compare(setting, ours, naive)


def _compare(setting: Setting, ours: Server, naive: Server) -> Row:
    servers = {"ours": ours, "naive": naive}
    asked = [{"track_id": t, "region": REGION, "model": "lstm"} for t in read_chart(ours)]
    posts = [build_post("/predict", body) for body in asked]
    run_load(naive.port, posts[:1])  # the first call traces the graph
    run_load(ours.port, posts)

    def rate(name: str) -> float:
        requests = list(islice(cycle(posts), setting.count(REQUESTS[name])))
        return run_load(servers[name].port, requests, CONNECTIONS).rate

    rates = setting.interleave({"ours": lambda: rate("ours"), "naive": lambda: rate("naive")})
    said = f"lstm by name, {CONNECTIONS} connections: {median(rates['ours']):.0f} against "
    note = f"{said}{median(rates['naive']):.1f} requests/s; the naive one has the charts in memory"
    return Row("naive", ratios(rates["ours"], rates["naive"]), note)
