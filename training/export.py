"""From a Keras model to the ONNX graph that is served.

Keras' own export turns a GRU (and much else) into a loop of small nodes, many times slower than the fused
LSTM and GRU nodes that ONNX has. So the graph is written out here. It takes the last ``context_length`` steps
and answers for the last of them alone. For one window a node costs its dispatch, whatever is in it: what is
linear on the way from the recurrent layers to the answer is one layer, of all members of an ensemble.
"""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from app.forecasting.history import Floats
from app.forecasting.spec import ForecastSpec
from training.dense import Dense, mean_of, side_by_side
from training.models.multi_input import FADED_AFTER, STANDING

OPSET = 20  # the first with Gelu
IR_VERSION = 10


class _Graph:
    """Nodes and weights of a graph under construction."""

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

    def dense(self, layer: Dense, source: str, output: str) -> str:
        kernel, bias = (
            self.constant(f"{output}.{name}", getattr(layer, name)) for name in ("kernel", "bias")
        )
        return self.node("Gemm", [source, kernel, bias], output)

    def gelu(self, layer: Dense, source: str, output: str) -> str:
        linear = self.dense(layer, source, f"{output}_linear")
        return self.node("Gelu", [linear], output, approximate="none")

    def last_step(self, source: str, output: str) -> str:
        """(batch, steps, channels) -> (batch, channels)"""
        return self.node("Gather", [source, self.constant(f"{output}.index", np.array(-1))], output, axis=1)

    def halves(self, source: str, outputs: tuple[str, str]) -> tuple[str, str]:
        """(batch, n) -> twice (batch, n / 2)"""
        self.nodes.append(helper.make_node("Split", [source], outputs, outputs[0], axis=1, num_outputs=2))
        return outputs

    def squared_distance(self, signed: str, output: str) -> str:
        """The square of what lies on its own side of the median, 0 for what does not."""
        distance = self.node("Relu", [signed], f"{output}.root")
        return self.node("Mul", [distance, distance], output)


class Graphs(NamedTuple):
    """A model as it is served: what depends on the day alone apart, to be run once for all tracks of it."""

    model: bytes
    market: bytes


def build_graphs(model: keras.Model, spec: ForecastSpec) -> Graphs:
    """Write ``model`` (an LSTM, GRU or multi-input one of this package) as two graphs of fused nodes.

    The market's takes market_channels (batch, context_length, shared channels) and gives market (batch,
    2 x horizon x levels), which says what the other one wants of it: half of each quantile's distance from
    the median, squared, and then half the median. The model's takes that, covariates (batch,
    context_length, channels) and, for a multi-input model, static (batch, 26) and artist (batch,
    context_length, 2); its output is log_ratios (batch, horizon, levels).
    """
    return Graphs(
        _build_model_graph(model, spec).SerializeToString(),
        _build_market_graph(model, spec).SerializeToString(),
    )


def _build_market_graph(model: keras.Model, spec: ForecastSpec) -> onnx.ModelProto:
    graph = _Graph(spec)
    members = _members(model.get_layer("market"))
    parted = _recurrent(graph, members, "market_channels", _part_quantiles(spec, _sides(model)))
    signed, median = graph.halves(parted, ("signed_distance", "median"))
    squared = graph.squared_distance(signed, "squared_distance")
    graph.node("Concat", [squared, median], "market", axis=1)
    inputs = {"market_channels": ["batch", spec.context_length, len(spec.market_covariates)]}
    return _finish(graph, "market", inputs, {"market": _market_shape(spec)})


def _build_model_graph(model: keras.Model, spec: ForecastSpec) -> onnx.ModelProto:
    graph = _Graph(spec)
    inputs = {
        "covariates": ["batch", spec.context_length, len(spec.covariates)],
        "market": _market_shape(spec),
    }
    members = _members(model.get_layer("track"))
    ending = _part_both_forecasts(spec, _sides(model))
    parted = _recurrent(graph, [_recurrent_part(member) for member in members], "covariates", ending)
    if spec.static_covariates:
        inputs["static"] = ["batch", 2 * len(spec.static_covariates)]
        inputs["artist"] = ["batch", spec.context_length, len(spec.artist_covariates)]
        parted = graph.node("Add", [parted, _correction(graph, members, ending)], "corrected")
    _join(graph, parted, _sides(model))
    outputs: list[object] = ["batch", spec.horizon, len(spec.quantile_levels)]
    return _finish(graph, model.name, inputs, {"log_ratios": outputs})


def _market_shape(spec: ForecastSpec) -> list[object]:
    return ["batch", 2 * spec.horizon * len(spec.quantile_levels)]


def _sides(model: keras.Model) -> Floats:
    """-1 for the levels below the median, 0 for it, 1 for those above. (levels,)"""
    return np.array(model.get_layer("joined").sides, dtype=float)


def _members(part: keras.Model) -> list[keras.Model]:
    """The models that a part is the mean of, or itself."""
    return [layer for layer in part.layers if layer.name.startswith("member_")] or [part]


def _recurrent_part(member: keras.Model) -> keras.Model:
    """Of a multi-input model the part that is corrected; another is one itself."""
    is_corrected = any(layer.name == "recurrent_part" for layer in member.layers)
    return member.get_layer("recurrent_part") if is_corrected else member


def _recurrent(graph: _Graph, members: Sequence[keras.Model], source: str, ending: Floats) -> str:
    """Recurrent layers, their last states joined with the last step's inputs, and one head on them all.

    Args:
        graph: To write to.
        members: Whose mean is wanted.
        source: Their input, (batch, steps, channels).
        ending: What the mean is multiplied with. (outputs, other outputs)
    """
    steps_first = graph.node("Transpose", [source], "steps_first", perm=[1, 0, 2])
    states = [
        _last_state(graph, member.get_layer("recurrent"), steps_first, f"member_{i}")
        for i, member in enumerate(members, start=1)
    ]
    last_index = graph.constant("last_step.index", np.array([-1]))
    last = graph.node("Gather", [steps_first, last_index], "last_step", axis=0)
    joined = graph.node("Concat", [*states, last], "joined_steps", axis=2)
    flat = graph.node("Squeeze", [joined, graph.constant("joined.axis", np.array([0]))], "joined")
    channels = members[0].input_shape
    [(_, _, n_channels)] = channels.values() if isinstance(channels, dict) else [channels]
    first = side_by_side(_layers(members, "hidden"), shared=n_channels)
    hidden = graph.gelu(first, flat, "hidden")
    return graph.dense(mean_of(_layers(members, "output")).then(ending), hidden, "parted")


def _last_state(graph: _Graph, layer: keras.layers.RNN, steps_first: str, name: str) -> str:
    """(steps, batch, channels) -> (1, batch, units)"""
    kind = type(layer).__name__
    weights = [graph.constant(f"{name}.{k}", value[None]) for k, value in _LAYOUTS[kind](layer).items()]
    extra = {"linear_before_reset": 1} if kind == "GRU" else {}
    return graph.node(kind, [steps_first, *weights], f"{name}.state", hidden_size=layer.units, **extra)


def _layers(members: Sequence[keras.Model], name: str) -> list[Dense]:
    """The dense layer of a name of each member."""
    weights = [member.get_layer(name).get_weights() for member in members]
    return [Dense(kernel.astype(float), bias.astype(float)) for kernel, bias in weights]


def _correction(graph: _Graph, members: Sequence[keras.Model], ending: Floats) -> str:
    """What the metadata add while the track is new."""
    last = graph.last_step("covariates", "step")
    artist = graph.last_step("artist", "artist_step")
    known = graph.node("Concat", [last, artist, "static"], "metadata", axis=1)
    from_all = [_first_of_metadata(graph.spec, member) for member in members]
    first = graph.gelu(side_by_side(from_all, shared=len(from_all[0].kernel)), known, "metadata_first")
    second = graph.gelu(side_by_side(_layers(members, "second"), shared=0), first, "metadata_second")
    corrections = mean_of(_layers(members, "correction")).then(ending)
    flat = graph.dense(corrections, second, "correction_in_full")
    fading = np.zeros((len(graph.spec.covariates), 1))
    fading[graph.spec.covariates.index("observed_days")] = -1 / FADED_AFTER
    left = graph.node("Relu", [graph.dense(Dense(fading, np.ones(1)), last, "left_linear")], "left")
    return graph.node("Mul", [flat, left], "correction")


def _first_of_metadata(spec: ForecastSpec, member: keras.Model) -> Dense:
    """One layer on the last step's covariates, the artist's channels and the features."""
    [from_step] = _layers([member], "from_step")
    [from_features] = member.get_layer("from_features").get_weights()
    of_covariates = np.zeros((len(spec.covariates), len(from_step.bias)))
    of_covariates[[spec.covariates.index(name) for name in STANDING]] = from_step.kernel[: len(STANDING)]
    kernels = (of_covariates, from_step.kernel[len(STANDING) :], from_features)
    return Dense(np.concatenate(kernels), from_step.bias)


def _part_quantiles(spec: ForecastSpec, sides: Floats) -> Floats:
    """Quantiles of days -> half of each one's signed distance from the median, then half the median.

    Returns:
        (horizon x levels, 2 x horizon x levels)
    """
    of_median = np.zeros((len(sides), len(sides)))
    of_median[sides == 0] = 1.0
    distance = (np.eye(len(sides)) - of_median) * sides
    days = 0.5 * np.eye(spec.horizon)
    return np.concatenate([np.kron(days, distance), np.kron(days, of_median)], axis=1)


def _part_both_forecasts(spec: ForecastSpec, sides: Floats) -> Floats:
    """The same of the forecast beyond the chart, with half of the one of both at once added to the median.

    Returns:
        (2 x horizon x levels, 2 x horizon x levels)
    """
    beyond = _part_quantiles(spec, sides)
    at_once = np.eye(len(beyond), 2 * len(beyond), k=len(beyond)) / 2
    return np.concatenate([beyond, at_once])


def _join(graph: _Graph, track: str, sides: Floats) -> None:
    """As ``training.models.market.join``, from quantiles that were parted and halved."""
    of_track, track_middle = graph.halves(track, ("track_signed", "track_middle"))
    of_market, market_middle = graph.halves("market", ("market_squared", "market_middle"))
    squares = [graph.squared_distance(of_track, "track_squared"), of_market]
    spread = graph.node("Sqrt", [graph.node("Add", squares, "squared")], "spread")
    every_side = graph.constant("sides", np.tile(sides, graph.spec.horizon))
    signed = graph.node("Mul", [spread, every_side], "signed_spread")
    flat = graph.node("Sum", [track_middle, market_middle, signed], "log_ratios_flat")
    shape = graph.constant("log_ratios.shape", np.array([-1, graph.spec.horizon, len(sides)]))
    graph.node("Reshape", [flat, shape], "log_ratios")


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
