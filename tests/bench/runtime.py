"""Goal 3: the models that ship over the arithmetic in them, at the peak that a matrix product reaches.

The market's part is left out on both sides: it runs once for a day of a region, and is known after that.

``python -m tests.bench.runtime <rounds>`` is a process of its own: its BLAS must have one thread, which is
settled before numpy is imported.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import onnx

from app.config import SHIPPED_BUNDLES
from app.forecasting.bundle import load_bundle
from app.forecasting.bundle_files import list_versions
from app.forecasting.forecaster import Batch
from app.model_store import start_run
from tests.bench.processes import ROOT, SERVER_CORE, on_cores
from tests.bench.report import Row
from tests.bench.setting import Setting, ratios

LARGE = 1024
GEMM = 768  # rows and columns: large enough for the peak, small enough for the cache
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
NAMES = ("lstm", "gru", "multi_input")


def measure(setting: Setting) -> Iterator[Row]:
    """Rows of goal 3."""
    command = [sys.executable, "-m", "tests.bench.runtime", str(setting.rounds)]
    with on_cores(SERVER_CORE):
        ran = subprocess.run(
            command, env={**os.environ, **ONE_THREAD}, cwd=ROOT, check=True, capture_output=True, timeout=120
        )
    found = json.loads(ran.stdout)
    for name in NAMES:
        yield from _rows_of(name, found)


def _rows_of(name: str, found: dict[str, list[float]]) -> Iterator[Row]:
    """From multiply-adds a second of the matrix product and of the model, round by round."""
    peak, one, large = found["peak"], found[f"{name}_1"], found[f"{name}_{LARGE}"]
    work = found[f"{name}_work"][0]
    gflops = 2e-9 * median(peak)
    micros = 1e6 * work / median(one)
    note = f"{micros:.0f} us a window of {work / 1e6:.2f} M multiply-adds; peak {gflops:.0f} GFLOP/s"
    yield Row(f"arithmetic_{name}", ratios(peak, one), note)
    yield Row(f"peak_{name}", ratios(large, peak), f"{2e-9 * median(large):.0f} GFLOP/s, one thread")


def count_multiply_adds(graph: bytes) -> int:
    """The multiply-adds of one window: of matrices alone, gates, activations and zeros left out."""
    loaded = onnx.load_from_string(graph).graph
    sizes = {w.name: int(np.count_nonzero(onnx.numpy_helper.to_array(w))) for w in loaded.initializer}
    steps = loaded.input[0].type.tensor_type.shape.dim[1].dim_value
    total = 0
    for node in loaded.node:
        if node.op_type in ("LSTM", "GRU"):
            total += steps * (sizes[node.input[1]] + sizes[node.input[2]])
        elif node.op_type in ("Gemm", "MatMul"):
            total += sizes[node.input[1]]
    return total


def newest_bundle(name: str) -> Path:
    """The folder of the newest version that ships."""
    return max((v, path) for n, v, path in list_versions(SHIPPED_BUNDLES) if n == name)[1]


def _measure_here(rounds: int) -> dict[str, list[float]]:
    setting = Setting(Path(), rounds)
    square = np.random.default_rng(1).random((GEMM, GEMM), dtype=np.float32)
    measures = {"peak": lambda: GEMM**3 / _seconds(lambda: square @ square, 0.2)}
    works: dict[str, list[float]] = {}
    for name in NAMES:
        bundle = load_bundle(newest_bundle(name))
        works[f"{name}_work"] = [work := count_multiply_adds(bundle.graph)]
        run = start_run(bundle)
        for size in (1, LARGE):
            batch = _repeat(bundle.golden.inputs, size)
            measures[f"{name}_{size}"] = _rate(run, batch, size * work)
    return setting.interleave(measures) | works


def _rate(run: Callable[[Batch], object], batch: Batch, work: int) -> Callable[[], float]:
    return lambda: work / _seconds(lambda: run(batch), 0.2)


def _repeat(inputs: Batch, size: int) -> Batch:
    return {name: np.resize(values, (size, *values.shape[1:])) for name, values in inputs.items()}


def _seconds(call: Callable[[], object], least: float) -> float:
    """The median of a call, over ``least`` seconds of them."""
    call()
    taken: list[float] = []
    end = perf_counter() + least
    while not taken or perf_counter() < end:
        begin = perf_counter()
        call()
        taken.append(perf_counter() - begin)
    return median(taken)


if __name__ == "__main__":
    print(json.dumps(_measure_here(int(sys.argv[1]))))
