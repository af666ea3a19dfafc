"""A model of rows on disk: a flat row of named numbers in, another out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.forecasting.bundle_files import (
    BACKTEST,
    GOLDEN,
    GRAPH,
    Golden,
    read_files,
    read_golden,
    reading,
    replay,
    to_json,
    write_files,
)

Rows = NDArray[np.float32]  # (rows, columns)
RunRows = Callable[[Rows], Rows]

ROWS = "rows"  # the graph's input, and that of the golden rows
GOLDEN_TOLERANCE = 1e-4  # of outputs, which are of the order of 1


@dataclass(frozen=True)
class RowBundle:
    """A published model of rows.

    Attributes:
        name: presence or popularity.
        version: From 1; 0 before it is published.
        inputs: Names of the columns it takes, in order.
        outputs: Names of those it gives.
        trained_through: The last day it learned from, ISO.
        training: How it was trained: settings, epochs, data fingerprint.
        backtest: Figures of models fitted the same way on earlier dates, with those dates.
        golden: Rows to replay before it is used.
        graph: The ONNX graph.
    """

    name: str
    version: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    trained_through: str
    training: dict[str, Any]
    backtest: dict[str, Any]
    golden: Golden
    graph: bytes


def save_row_bundle(bundle: RowBundle, folder: Path, extra_files: Mapping[str, bytes]) -> None:
    """Write ``bundle`` to ``folder``, which must not exist: it appears whole or not at all."""
    described = {
        "name": bundle.name,
        "version": bundle.version,
        "trained_through": bundle.trained_through,
        "inputs": list(bundle.inputs),
        "outputs": list(bundle.outputs),
        "training": bundle.training,
    }
    files = {GRAPH: bundle.graph, BACKTEST: to_json(bundle.backtest), GOLDEN: bundle.golden.to_bytes()}
    write_files(folder, described, {**files, **extra_files})


def load_row_bundle(folder: Path) -> RowBundle:
    """Read a bundle and check that it is whole.

    Raises:
        BadBundleError: it is not; the message says what is wrong.
    """
    with reading(folder):
        described, contents = read_files(folder, (GRAPH, BACKTEST, GOLDEN))
        inputs, outputs = (tuple(map(str, described[name])) for name in ("inputs", "outputs"))
        golden = read_golden(contents[GOLDEN])
        if golden.inputs[ROWS].shape[1:] != (len(inputs),) or golden.outputs.shape[1:] != (len(outputs),):
            raise ValueError(f"{GOLDEN} holds rows of other columns")
        return RowBundle(
            name=str(described["name"]),
            version=int(described["version"]),
            inputs=inputs,
            outputs=outputs,
            trained_through=described["trained_through"],
            training=described["training"],
            backtest=json.loads(contents[BACKTEST]),
            golden=golden,
            graph=contents[GRAPH],
        )


def replay_golden_rows(bundle: RowBundle, run: RunRows) -> None:
    """Check that ``run`` answers the golden rows as the model did when it was published.

    Raises:
        BadBundleError: it does not.
    """
    said = f"{bundle.name} {bundle.version}"
    replay(said, lambda inputs: run(inputs[ROWS]), bundle.golden, GOLDEN_TOLERANCE)
