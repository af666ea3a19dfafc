"""Goal 4: the same model behind what users would pick instead."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import cycle, islice
from statistics import median
from typing import Any

from tests.bench.load import Load, build_post, run_load
from tests.bench.peer_model import VARIABLE
from tests.bench.peer_servers import (
    python_of,
    serve_bentoml,
    serve_mlserver,
    wait_until_loaded,
    write_lstm,
)
from tests.bench.processes import Server, serve, serve_as_make_run
from tests.bench.report import Row
from tests.bench.setting import Setting, ratios
from tests.bench.stores import REGION, environment_of, read_chart, sample_store

CONNECTIONS = 16
REQUESTS = {"ours": 960, "naive": 48, "mlserver": 960, "bentoml": 960}


def measure(setting: Setting) -> Iterator[Row]:
    """Rows of goal 4: of the naive service, and of the peers that are installed."""
    url = sample_store(setting.folder, "peers")
    model = setting.folder / "peer-model"
    environment = {**environment_of(url, setting.folder), VARIABLE: str(model)}
    with ExitStack() as stack:
        ours = stack.enter_context(serve_as_make_run(environment))
        track_ids = read_chart(ours)
        write_lstm(model, url, track_ids)
        servers = {"ours": ours, "naive": stack.enter_context(serve("tests.bench.naive:app", environment))}
        if python := python_of("mlserver"):
            peer = serve_mlserver(setting.folder, environment, python)
            servers["mlserver"] = stack.enter_context(peer)
        if python := python_of("bentoml"):
            servers["bentoml"] = stack.enter_context(serve_bentoml(environment, python))
        yield from _compare(setting, servers, track_ids)


def _compare(setting: Setting, servers: dict[str, Server], track_ids: list[str]) -> Iterator[Row]:
    posts = {name: [_build_post(name, track_id) for track_id in track_ids] for name in servers}
    for name, server in servers.items():
        wait_until_loaded(server, posts[name][0])
    run_load(servers["ours"].port, posts["ours"])
    loads: dict[str, list[Load]] = {name: [] for name in servers}

    def rate(name: str) -> float:
        requests = list(islice(cycle(posts[name]), setting.count(REQUESTS[name])))
        loads[name].append(run_load(servers[name].port, requests, CONNECTIONS))
        return loads[name][-1].rate

    rates = setting.interleave({name: partial(rate, name) for name in servers})
    for name in list(servers)[1:]:
        yield _rate_row(name, rates)
        if name != "naive":
            yield _tail_row(name, loads)


def _build_post(name: str, track_id: str) -> bytes:
    if name == "mlserver":
        asked = {"name": "track_id", "shape": [1], "datatype": "BYTES", "data": [track_id]}
        return build_post("/v2/models/chartcast/infer", {"inputs": [asked]})
    body: dict[str, Any] = {"track_id": track_id}
    return build_post("/predict", body | ({"region": REGION, "model": "lstm"} if name == "ours" else {}))


def _rate_row(name: str, rates: dict[str, list[float]]) -> Row:
    ours, theirs = (median(rates[of]) for of in ("ours", name))
    said = f"lstm by name: {ours:.0f} against {theirs:.1f} requests/s"
    note = f"{said}; the other one reads the days, runs the model and does no more"
    return Row(name, ratios(rates["ours"], rates[name]), note)


def _tail_row(name: str, loads: dict[str, list[Load]]) -> Row:
    tails = {of: [load.percentile(99) for load in loads[of]] for of in ("ours", name)}
    ours, theirs = (1000 * median(tails[of]) for of in ("ours", name))
    return Row(f"{name}_tail", ratios(tails["ours"], tails[name]), f"{ours:.1f} against {theirs:.1f} ms")
