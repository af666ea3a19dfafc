"""Starting what the service is compared with; MLServer and BentoML from environments of their own."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from app.forecasting.bundle import load_bundle
from app.forecasting.track_covariates import LEAD_IN
from tests.bench.load import run_load
from tests.bench.peer_model import write_peer_model
from tests.bench.processes import ROOT, Server, free_port, start, wait_until_up
from tests.bench.runtime import newest_bundle
from tests.bench.stores import REGION

ENVIRONMENTS = ROOT / "var" / "peers"  # of `make bench-peers`
LOADED_SECONDS = 90


def write_lstm(path: Path, database_url: str, track_ids: list[str]) -> None:
    """Write the LSTM that ships and the histories of these tracks for ``load_peer_model``."""
    from training.data import read_store  # imports pandas

    bundle = load_bundle(newest_bundle("lstm"))
    panel = next(panel for panel in read_store(database_url) if panel.region == REGION)
    last, length = np.array([len(panel.days) - 1]), LEAD_IN + bundle.spec.context_length
    rows = {track_id: np.array([panel.track_ids.index(track_id)]) for track_id in track_ids}
    histories = {track_id: panel.history(row, last, length) for track_id, row in rows.items()}
    assert bundle.market_graph is not None
    graphs = (bundle.graph, bundle.market_graph)
    write_peer_model(path, histories, market=panel.covariates, spec=bundle.spec, graphs=graphs)


def python_of(name: str) -> Path | None:
    """The interpreter of a peer's environment, where it is installed."""
    path = ENVIRONMENTS / name / "bin" / "python"
    return path if path.exists() else None


@contextmanager
def serve_mlserver(folder: Path, environment: Mapping[str, str], python: Path) -> Iterator[Server]:
    """MLServer, up; inference in the server's own process, which is faster than its parallel workers."""
    ports = [free_port() for _ in range(3)]
    named = dict(zip(("http_port", "grpc_port", "metrics_port"), ports, strict=True))
    settings = {**named, "host": "127.0.0.1", "debug": False, "parallel_workers": 0}
    model = {"name": "chartcast", "implementation": "tests.bench.peer_mlserver.Chartcast"}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(model))
    command = ["-c", "from mlserver.cli import main; main()", "start", str(folder)]  # it has no __main__
    with start(command, _with_path(environment), python=python) as process:
        wait_until_up(ports[0], process)
        yield Server(ports[0], process.pid)


@contextmanager
def serve_bentoml(environment: Mapping[str, str], python: Path) -> Iterator[Server]:
    """BentoML, up."""
    port = free_port()
    where = ["--host", "127.0.0.1", "--port", str(port), "--working-dir", str(ROOT)]
    command = ["-m", "bentoml", "serve", "tests.bench.peer_bentoml:Chartcast", *where]
    quiet = {"BENTOML_DO_NOT_TRACK": "true"}
    with start(command, _with_path({**environment, **quiet}), python=python) as process:
        wait_until_up(port, process)
        yield Server(port, process.pid)


def _with_path(environment: Mapping[str, str]) -> dict[str, str]:
    return {**environment, "PYTHONPATH": str(ROOT)}


def wait_until_loaded(server: Server, request: bytes) -> None:
    """Return once the server answers ``request``: some listen before their model is there."""
    end = time.monotonic() + LOADED_SECONDS
    while True:
        try:
            run_load(server.port, [request])
        except (OSError, RuntimeError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return
