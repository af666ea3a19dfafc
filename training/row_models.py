"""Small networks of rows as served graphs: made, kept as candidates, published."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from app.forecasting.bundle_files import Golden, list_versions
from app.forecasting.history import Floats
from app.forecasting.row_bundle import ROWS, RowBundle, Rows, save_row_bundle
from app.model_store import start_row_model
from app.runtime import build_row_run
from training.dense import Dense
from training.export import IR_VERSION, OPSET

Activation = Literal["linear", "relu", "gelu", "tanh", "sigmoid", "softmax"]
NODES = {"relu": "Relu", "gelu": "Gelu", "tanh": "Tanh", "sigmoid": "Sigmoid", "softmax": "Softmax"}
GOLDEN_ROWS = 8
EXPORT_TOLERANCE = 1e-5  # of outputs, which are of the order of 1


@dataclass(frozen=True)
class Layer:
    """A dense layer and its activation; the last layer's is linear: its blocks have theirs."""

    dense: Dense
    activation: Activation = "linear"


@dataclass(frozen=True)
class Block:
    """Some of the outputs, one beside the other, and what they go through together."""

    outputs: tuple[str, ...]
    activation: Activation = "linear"


def standardised(layer: Dense, mean: Floats, scale: Floats) -> Dense:
    """The layer on raw inputs that does what ``layer`` does on ``(raw - mean) / scale``; both (inputs,)."""
    kernel = layer.kernel / scale[:, None]
    return Dense(kernel, layer.bias - mean @ kernel)


def build_row_graph(layers: Sequence[Layer], blocks: Sequence[Block]) -> bytes:
    """An ONNX graph: rows (batch, inputs) -> answers (batch, outputs).

    Args:
        layers: One after the other.
        blocks: Of the last layer's outputs, in their order, all of them.

    Raises:
        ValueError: the blocks have more or fewer outputs than the last layer.
    """
    sizes = [len(block.outputs) for block in blocks]
    if sum(sizes) != len(layers[-1].dense.bias):
        raise ValueError(f"blocks of {sum(sizes)} outputs on a layer of {len(layers[-1].dense.bias)}")
    nodes, weights, source = [], [], ROWS
    for i, layer in enumerate(layers):
        names = [f"layer_{i}.{name}" for name in ("kernel", "bias")]
        values = (layer.dense.kernel, layer.dense.bias)
        weights += [_constant(*pair) for pair in zip(names, values, strict=True)]
        nodes.append(helper.make_node("Gemm", [source, *names], [f"layer_{i}.linear"]))
        source = _activate(nodes, layer.activation, f"layer_{i}.linear", f"layer_{i}")
    parts = [f"part_{i}" for i in range(len(blocks))]
    weights.append(numpy_helper.from_array(np.array(sizes, dtype=np.int64), "sizes"))
    nodes.append(helper.make_node("Split", [source, "sizes"], parts, axis=1))
    done = [
        _activate(nodes, b.activation, part, f"{part}.done") for b, part in zip(blocks, parts, strict=True)
    ]
    nodes.append(helper.make_node("Concat", done, ["answers"], axis=1))
    return _finish(nodes, weights, n_inputs=len(layers[0].dense.kernel), n_outputs=sum(sizes))


def _constant(name: str, value: Floats) -> onnx.TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(value, dtype=np.float32), name)


def _activate(nodes: list[onnx.NodeProto], activation: Activation, source: str, output: str) -> str:
    """The name of what ``source`` becomes."""
    if activation == "linear":
        return source
    extra = {"axis": 1} if activation == "softmax" else {}
    nodes.append(helper.make_node(NODES[activation], [source], [output], **extra))
    return output


def _finish(
    nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto], *, n_inputs: int, n_outputs: int
) -> bytes:
    source, target = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size])
        for name, size in ((ROWS, n_inputs), ("answers", n_outputs))
    )
    graph = helper.make_graph(nodes, "rows", [source], [target], weights)
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="chartcast",
    )
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content


def build_row_bundle(
    name: str,
    *,
    inputs: Sequence[str],
    blocks: Sequence[Block],
    layers: Sequence[Layer],
    golden: Golden,
    trained_through: str,
    training: dict[str, Any],
    backtest: dict[str, Any],
) -> RowBundle:
    """An unpublished bundle.

    Args:
        name: presence or popularity.
        inputs: Names of the columns it takes.
        blocks: Of its outputs.
        layers: Its weights.
        golden: Invented rows (under ``ROWS``), and what the network itself answers to them.
        trained_through: The last day it learned from, ISO.
        training: How.
        backtest: Figures of networks fitted the same way on earlier days.

    Raises:
        ValueError: the graph answers otherwise than the network.
    """
    graph = build_row_graph(layers, blocks)
    worst = float(np.abs(build_row_run(graph)(golden.inputs[ROWS]) - golden.outputs).max())
    if not worst <= EXPORT_TOLERANCE:
        raise ValueError(f"the exported graph is off the network by {worst:.2g}")
    outputs = tuple(output for block in blocks for output in block.outputs)
    return RowBundle(
        name=name,
        version=0,
        inputs=tuple(inputs),
        outputs=outputs,
        trained_through=trained_through,
        training=training,
        backtest=backtest,
        golden=golden,
        graph=graph,
    )


def invent_rows(n_inputs: int, *, seed: int = 20) -> Rows:
    """Rows for golden answers: no real data in a bundle. (GOLDEN_ROWS, n_inputs)"""
    random = np.random.Generator(np.random.PCG64(seed))
    return random.normal(size=(GOLDEN_ROWS, n_inputs)).astype(np.float32)


def publish_row_model(candidate: Path, models_dir: Path) -> Path:
    """Publish a candidate (written with ``save_row_bundle``) as the next version of its name.

    Returns:
        The new folder ``models_dir/<name>/<version>/``; it appears whole or not at all.

    Raises:
        BadBundleError: it cannot be served.
    """
    bundle = start_row_model(candidate).bundle
    there = [version for name, version, _ in list_versions(models_dir) if name == bundle.name]
    version = max(there, default=0) + 1
    published = dt.datetime.now(dt.UTC).date().isoformat()
    ready = replace(bundle, version=version, training=bundle.training | {"published": published})
    target = models_dir / bundle.name / str(version)
    save_row_bundle(ready, target, {})
    return target
