"""From a Keras model to the ONNX graph that is served.

Keras' own export turns a GRU (and much else) into a loop of small nodes, many times slower than the fused
LSTM and GRU nodes that ONNX has. So the graph is written out here, part by part and layer by layer. It takes
the last ``context_length`` steps and answers for the last of them alone.
"""

from typing import NamedTuple

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from app.forecasting.spec import ForecastSpec
from training.models.multi_input import FADED_AFTER, STANDING

OPSET = 20  # the first with Gelu
IR_VERSION = 10


class _Graph:
    """Nodes and weights of a graph under construction, each named after the part that it belongs to."""

    def __init__(self, spec: ForecastSpec) -> None:
        self.spec = spec
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: NDArray[np.generic] | float) -> str:
        content = np.array(value, order="C")
        if content.dtype == np.float64:
            content = content.astype(np.float32)
        self.initializers.append(numpy_helper.from_array(content, name))
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

    def gelu(self, source: str, output: str) -> str:
        return self.node("Gelu", [source], output, approximate="none")

    def channels(self, source: str, names: tuple[str, ...], output: str, axis: int) -> str:
        """Some of the covariates' channels."""
        index = self.constant(f"{output}.index", np.array([self.spec.covariates.index(n) for n in names]))
        return self.node("Gather", [source, index], output, axis=axis)

    def last_step(self, source: str, output: str) -> str:
        """(batch, steps, channels) -> (batch, channels)"""
        return self.node("Gather", [source, self.constant(f"{output}.index", np.array(-1))], output, axis=1)

    def quantiles(self, layer: keras.layers.Reshape, flat: str, output: str) -> str:
        """(batch, rows x levels) -> (batch, rows, levels)"""
        shape = np.array([-1, *layer.target_shape[1:]])
        return self.node("Reshape", [flat, self.constant(f"{output}.shape", shape)], output)


class Graphs(NamedTuple):
    """A model as it is served: what depends on the day alone apart, to be run once for all tracks of it."""

    model: bytes
    market: bytes


def build_graphs(model: keras.Model, spec: ForecastSpec) -> Graphs:
    """Write ``model`` (an LSTM, GRU or multi-input one of this package) as two graphs of fused nodes.

    The market's takes market_channels (batch, context_length, shared channels) and gives market
    (batch, horizon, levels). The model's takes that, covariates (batch, context_length, channels) and, for a
    multi-input model, static (batch, 26) and artist (batch, context_length, 2); its output is log_ratios
    (batch, horizon, levels).
    """
    return Graphs(
        _build_model_graph(model, spec).SerializeToString(),
        _build_market_graph(model.get_layer("market"), spec).SerializeToString(),
    )


def _build_market_graph(part: keras.Model, spec: ForecastSpec) -> onnx.ModelProto:
    graph = _Graph(spec)
    graph.node("Identity", [_write_part(graph, part, "market_part", "market_channels")], "market")
    inputs = {"market_channels": ["batch", spec.context_length, len(spec.market_covariates)]}
    return _finish(graph, "market", inputs, {"market": _quantiles_shape(spec)})


def _build_model_graph(model: keras.Model, spec: ForecastSpec) -> onnx.ModelProto:
    graph = _Graph(spec)
    inputs = {
        "covariates": ["batch", spec.context_length, len(spec.covariates)],
        "market": _quantiles_shape(spec),
    }
    if spec.static_covariates:
        inputs["static"] = ["batch", 2 * len(spec.static_covariates)]
        inputs["artist"] = ["batch", spec.context_length, len(spec.artist_covariates)]
    track = _write_part(graph, model.get_layer("track"), "track", "covariates")
    _join(graph, track, "market", np.array(model.get_layer("joined").sides))
    return _finish(graph, model.name, inputs, {"log_ratios": _quantiles_shape(spec)})


def _quantiles_shape(spec: ForecastSpec) -> list[object]:
    return ["batch", spec.horizon, len(spec.quantile_levels)]


def _write_part(graph: _Graph, part: keras.Model, name: str, source: str) -> str:
    """A part's quantiles (batch, horizon, levels): of the mean of several models, or of one."""
    layers = {layer.name for layer in part.layers}
    if "mean" in layers:
        members = [layer for layer in part.layers if layer.name.startswith("member_")]
        written = [_write_part(graph, member, f"{name}.{member.name}", source) for member in members]
        return graph.node("Mean", written, f"{name}.mean")
    if "recurrent_part" in layers:
        base = _write_part(graph, part.get_layer("recurrent_part"), f"{name}.recurrent_part", source)
        return graph.node("Add", [base, _correction(graph, part, name)], f"{name}.corrected")
    return _recurrent(graph, part, name, source)


def _recurrent(graph: _Graph, part: keras.Model, name: str, source: str) -> str:
    """A recurrent layer, its last state joined with the last step's inputs, and the head on them."""
    layer = part.get_layer("recurrent")
    steps_first = graph.node("Transpose", [source], f"{name}.steps_first", perm=[1, 0, 2])
    kernels = _LAYOUTS[type(layer).__name__](layer)
    weights = [graph.constant(f"{name}.recurrent.{k}", value[None]) for k, value in kernels.items()]
    extra = {"linear_before_reset": 1} if isinstance(layer, keras.layers.GRU) else {}
    kind, units = type(layer).__name__, layer.units
    last_state = graph.node(kind, [steps_first, *weights], f"{name}.last_state", hidden_size=units, **extra)
    direction = graph.constant(f"{name}.direction", np.array([0]))
    state = graph.node("Squeeze", [last_state, direction], f"{name}.state")
    last = graph.last_step(source, f"{name}.last_step")
    joined = graph.node("Concat", [state, last], f"{name}.joined", axis=1)
    hidden = graph.gelu(
        graph.dense(part.get_layer("hidden"), joined, f"{name}.hidden_linear"), f"{name}.hidden"
    )
    flat = graph.dense(part.get_layer("output"), hidden, f"{name}.output")
    return graph.quantiles(part.get_layer("quantiles"), flat, f"{name}.quantiles")


def _correction(graph: _Graph, part: keras.Model, name: str) -> str:
    """What the metadata add while the track is new."""
    last = graph.last_step("covariates", f"{name}.metadata_step")
    standing = graph.channels(last, STANDING, f"{name}.standing", axis=1)
    artist = graph.last_step("artist", f"{name}.artist")
    by_step = graph.node("Concat", [standing, artist], f"{name}.by_step", axis=1)
    from_step = graph.dense(part.get_layer("from_step"), by_step, f"{name}.from_step")
    from_features = graph.dense(part.get_layer("from_features"), "static", f"{name}.from_features")
    joined = graph.node("Add", [from_step, from_features], f"{name}.with_features")
    second = graph.dense(
        part.get_layer("second"), graph.gelu(joined, f"{name}.first"), f"{name}.second_linear"
    )
    flat = graph.dense(
        part.get_layer("correction"), graph.gelu(second, f"{name}.second"), f"{name}.correction"
    )
    observed = graph.channels(last, ("observed_days",), f"{name}.observed_days", axis=1)
    share = graph.node("Div", [observed, graph.constant(f"{name}.faded_after", FADED_AFTER)], f"{name}.faded")
    left = graph.node("Sub", [graph.constant(f"{name}.one", 1.0), share], f"{name}.left")
    gate = graph.node("Relu", [left], f"{name}.gate")
    faded = graph.node("Mul", [flat, gate], f"{name}.corrections_flat")
    return graph.quantiles(part.get_layer("corrections"), faded, f"{name}.corrections")


def _join(graph: _Graph, track: str, market: str, sides: NDArray[np.float64]) -> None:
    """As ``training.models.market.join``."""
    days = np.arange(graph.spec.horizon)
    first, second = graph.constant("first_half", days), graph.constant("second_half", days + len(days))
    beyond = graph.node("Gather", [track, first], f"{track}.beyond", axis=1)
    at_once = graph.node("Gather", [track, second], f"{track}.at_once", axis=1)
    side = graph.constant("sides", sides)
    middle = graph.constant("middle", np.array([int(np.flatnonzero(sides == 0)[0])]))
    medians, squares = [], []
    for part in (beyond, market):
        median = graph.node("Gather", [part, middle], f"{part}.median", axis=2)
        signed = graph.node(
            "Mul", [graph.node("Sub", [part, median], f"{part}.from_median"), side], f"{part}.signed"
        )
        distance = graph.node("Relu", [signed], f"{part}.distance")
        squares.append(graph.node("Mul", [distance, distance], f"{part}.squared"))
        medians.append(median)
    spread = graph.node("Sqrt", [graph.node("Add", squares, "squared")], "spread")
    centre = graph.node("Add", medians, "centre")
    joined = graph.node("Add", [centre, graph.node("Mul", [spread, side], "signed_spread")], "joined")
    graph.node("Mean", [joined, at_once], "log_ratios")


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
