"""ONNX graphs become callables. The one file that knows ONNX Runtime."""

import os

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from app.forecasting.bundle_files import BadBundleError
from app.forecasting.forecaster import Batch, Run
from app.forecasting.row_bundle import ROWS, Rows, RunRows
from app.forecasting.spec import ForecastSpec
from app.forecasting.windows import places

MOST_DAYS = 2048  # of regions, the 6 that a week is rolled on by too, whose market's part is kept: 5 KB each
CHUNK = 48  # windows a call: in larger ones the inputs of all steps' gates fall out of the cache


class MarketPart:
    """The part of a model that sees the shared channels alone: run once for a day of a region, then known.

    What it answers depends on nothing but those channels, so what is kept is never stale.

    Args:
        graph: Shared channels (batch, steps, channels) -> what the model wants of the market (batch, …).
        spec: Of the model.
    """

    def __init__(self, graph: bytes, spec: ForecastSpec) -> None:
        self._session = _start_session(graph)
        self._channels = places([spec.covariates.index(name) for name in spec.market_covariates])
        self._kept: dict[bytes, NDArray[np.float32]] = {}

    def __call__(self, covariates: NDArray[np.float32]) -> NDArray[np.float32]:
        """The market's answer for each window. (tracks, steps, channels) -> (tracks, …)"""
        shared = covariates[:, :, self._channels]
        keys = [window.tobytes() for window in shared]
        kept = self._kept  # one state: another thread may begin anew
        known = {key: kept[key] for key in keys if key in kept}
        if new := {key: i for i, key in enumerate(keys) if key not in known}:
            answers = self._session.run(["market"], {"market_channels": shared[list(new.values())]})[0]
            known |= dict(zip(new, answers, strict=True))
            if len(self._kept) + len(new) > MOST_DAYS:
                self._kept = {}
            self._kept.update(known)
        return np.array([known[key] for key in keys])


def build_run(graph: bytes, market: MarketPart | None = None) -> Run:
    """A callable that runs an ONNX graph on one thread, in chunks.

    Args:
        graph: Of the model.
        market: What the graph takes as its input ``market``; None: it has none.

    Raises:
        BadBundleError: the graph is none.
    """
    session = _start_session(graph)

    def run(batch: Batch) -> NDArray[np.float32]:
        inputs = dict(batch) if market is None else {**batch, "market": market(batch["covariates"])}
        n_windows = len(batch["covariates"])
        parts = [
            session.run(["log_ratios"], {name: x[start : start + CHUNK] for name, x in inputs.items()})[0]
            for start in range(0, max(n_windows, 1), CHUNK)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    return run


def build_row_run(graph: bytes) -> RunRows:
    """A callable that runs the ONNX graph of a model of rows on one thread.

    Raises:
        BadBundleError: the graph is none.
    """
    session = _start_session(graph)

    def run(rows: Rows) -> Rows:
        answers: Rows = session.run(["answers"], {ROWS: rows})[0]
        return answers

    return run


def _start_session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # requests are the parallelism
    # A graph may name files that hold its weights, by default in the folder where the service was started:
    # none are looked for, since no hash vouches for them.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises classes of its own for a bad graph
        raise BadBundleError(f"the graph cannot be loaded: {error}") from error
