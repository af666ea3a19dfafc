"""From a Keras model to the ONNX graph that is served.

Keras' own export turns a GRU (and much else) into a loop of small nodes, many times slower than the fused
LSTM and GRU nodes that ONNX has. So the graph is written out here, layer by layer. It takes the last
``context_length`` steps and answers for the last of them alone.
"""

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from app.forecasting.spec import ForecastSpec
from training.models.multi_input import STANDING

OPSET = 20  # the first with Gelu
IR_VERSION = 10


class _Graph:
    """Nodes and weights of a graph under construction."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.initializers.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: object) -> str:
        outputs = ["", output] if operator in ("LSTM", "GRU") else [output]  # their second is the last state
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=output, **attributes))
        return output

    def dense(self, layer: keras.layers.Dense, source: str, output: str) -> str:
        """A Dense layer, without its activation."""
        kernel, *bias = (weight.numpy() for weight in layer.weights)
        weights = [self.constant(f"{output}.kernel", kernel)]
        weights += [self.constant(f"{output}.bias", value) for value in bias]
        return self.node("Gemm", [source, *weights], output)


def build_onnx(model: keras.Model, spec: ForecastSpec) -> onnx.ModelProto:
    """Write ``model`` (an LSTM, GRU or multi-input one of this package) as a graph of fused nodes.

    The graph's inputs are covariates (batch, context_length, channels) and, for a multi-input model,
    static (batch, 26); its output is log_ratios (batch, horizon, levels).
    """
    graph = _Graph()
    inputs = {"covariates": ["batch", spec.context_length, len(spec.covariates)]}
    joined = _recurrent_part(graph, model)
    hidden = graph.dense(model.get_layer("hidden"), joined, "hidden_linear")
    flat = graph.dense(
        model.get_layer("output"),
        graph.node("Gelu", [hidden], "hidden", approximate="none"),
        "quantiles_flat",
    )
    if spec.static_covariates:
        inputs["static"] = ["batch", 2 * len(spec.static_covariates)]
        flat = graph.node("Add", [flat, _correction(graph, model, spec)], "corrected")
    shape = graph.constant("shape", np.array([-1, spec.horizon, len(spec.quantile_levels)], np.int64))
    graph.node("Reshape", [flat, shape], "log_ratios")
    outputs = {"log_ratios": ["batch", spec.horizon, len(spec.quantile_levels)]}
    return _finish(graph, model.name, inputs, outputs)


def _recurrent_part(graph: _Graph, model: keras.Model) -> str:
    """The state after the last step, joined with that step's inputs."""
    layer = model.get_layer("recurrent")
    steps_first = graph.node("Transpose", ["covariates"], "steps_first", perm=[1, 0, 2])
    kernels = _LAYOUTS[type(layer).__name__](layer)
    weights = [graph.constant(f"recurrent.{name}", value[None]) for name, value in kernels.items()]
    extra = {"linear_before_reset": 1} if isinstance(layer, keras.layers.GRU) else {}
    state = graph.node(
        type(layer).__name__, [steps_first, *weights], "last_state", hidden_size=layer.units, **extra
    )
    squeezed = graph.node("Squeeze", [state, graph.constant("direction", np.array([0]))], "state")
    last = graph.node("Gather", ["covariates", graph.constant("last", np.array(-1))], "last_step", axis=1)
    return graph.node("Concat", [squeezed, last], "joined", axis=1)


def _correction(graph: _Graph, model: keras.Model, spec: ForecastSpec) -> str:
    channels = np.array([spec.covariates.index(name) for name in STANDING])
    standing = graph.node("Gather", ["last_step", graph.constant("channels", channels)], "standing", axis=1)
    by_standing = graph.dense(model.get_layer("from_standing"), standing, "by_standing")
    by_features = graph.dense(model.get_layer("from_features"), "static", "by_features")
    hidden = graph.node("Add", [by_standing, by_features], "with_features")
    active = graph.node("Gelu", [hidden], "metadata_hidden", approximate="none")
    return graph.dense(model.get_layer("correction"), active, "correction_flat")


def _lstm_weights(layer: keras.layers.LSTM) -> dict[str, NDArray[np.float32]]:
    """Keras orders the gates i, f, c, o; ONNX i, o, f, c. ONNX has a second bias: zeros."""

    def reorder(columns: NDArray[np.float32]) -> NDArray[np.float32]:
        i, f, c, o = np.split(columns, 4, axis=-1)
        return np.concatenate([i, o, f, c], axis=-1).T

    kernel, recurrent, bias = (weight.numpy() for weight in layer.cell.weights)
    return {
        "W": reorder(kernel),
        "R": reorder(recurrent),
        "B": np.concatenate([reorder(bias), np.zeros_like(bias)]),
    }


def _gru_weights(layer: keras.layers.GRU) -> dict[str, NDArray[np.float32]]:
    """Both order the gates z, r, h; with reset_after (Keras' default) both have two biases."""
    kernel, recurrent, bias = (weight.numpy() for weight in layer.cell.weights)
    return {"W": kernel.T, "R": recurrent.T, "B": bias.ravel()}


_LAYOUTS = {"LSTM": _lstm_weights, "GRU": _gru_weights}


def _finish(
    graph: _Graph, name: str, inputs: dict[str, list[object]], outputs: dict[str, list[object]]
) -> onnx.ModelProto:
    def typed(shapes: dict[str, list[object]]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]

    proto = helper.make_graph(graph.nodes, name, typed(inputs), typed(outputs), graph.initializers)
    model = helper.make_model(
        proto,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="chartcast",
    )
    onnx.checker.check_model(model, full_check=True)
    return model
