"""The market's part, which all models share: how the whole chart will move, from the shared channels alone.

It is fitted on the days of a chart, some thousand of them, not on the tracks: a model that sees both learns
the few shocks of its training days by heart. Hence its width and its dropout.
"""

import keras
from keras import layers, ops

from app.forecasting.spec import ForecastSpec

DROPOUT = 0.3


def build_market(spec: ForecastSpec, units: int = 32) -> keras.Model:
    """Shared channels (batch, steps, channels) -> scaled log-ratios (batch, steps, horizon, levels)."""
    market = keras.Input((None, len(spec.market_covariates)), name="market")
    state = layers.GRU(units, return_sequences=True, name="recurrent")(layers.Dropout(DROPOUT)(market))
    joined = layers.Concatenate(name="joined")([state, market])
    hidden = layers.Dense(units, activation="gelu", name="hidden")(layers.Dropout(DROPOUT)(joined))
    n_outputs = spec.horizon * len(spec.quantile_levels)
    flat = layers.Dense(n_outputs, kernel_initializer="zeros", name="output")(layers.Dropout(DROPOUT)(hidden))
    quantiles = layers.Reshape((-1, spec.horizon, len(spec.quantile_levels)), name="quantiles")(flat)
    return keras.Model({"market": market}, quantiles, name="market")


def join(name: str, track: keras.Model, market: keras.Model, spec: ForecastSpec) -> keras.Model:
    """The model that is served: the mean of two forecasts.

    One is what ``track`` says of a track beyond the chart and ``market`` of the chart: their medians add up,
    and the distances of the other quantiles from them as those of independent errors do. The other is what
    ``track`` says of both at once. docs/decisions/the-market-is-forecast-on-its-own.md says why.

    Args:
        name: Of the model.
        track: Inputs of a model -> (batch, steps, 2 x horizon, levels).
        market: Shared channels -> (batch, steps, horizon, levels).
        spec: Of the model.
    """
    inputs = track.input
    shared = [spec.covariates.index(channel) for channel in spec.market_covariates]
    of_market = market({"market": ops.take(inputs["covariates"], shared, axis=-1)})
    of_track = track(inputs)
    beyond, at_once = of_track[:, :, : spec.horizon], of_track[:, :, spec.horizon :]
    joined = JoinQuantiles(spec.quantile_levels, name="joined")([beyond, of_market])
    quantiles = layers.Average(name="log_ratios")([joined, at_once])
    return keras.Model(inputs, quantiles, name=name)


@keras.saving.register_keras_serializable(package="chartcast")
class JoinQuantiles(layers.Layer):  # type: ignore[misc]
    """The quantiles of a sum of two independent errors from the quantiles of each, about their medians.

    Exact for normal errors. Each bound's distance from the median is the root of the sum of squares.
    """

    def __init__(self, quantile_levels: tuple[float, ...], **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.quantile_levels = tuple(quantile_levels)

    @property
    def sides(self) -> list[float]:
        """-1 for the levels below the median, 0 for it, 1 for those above. (levels,)"""
        return [float((level > 0.5) - (level < 0.5)) for level in self.quantile_levels]

    def call(self, parts: list[keras.KerasTensor]) -> keras.KerasTensor:
        """Two arrays (batch, steps, horizon, levels) -> one."""
        sides = ops.convert_to_tensor(self.sides, dtype="float32")
        middle = self.quantile_levels.index(0.5)
        medians = [part[..., middle : middle + 1] for part in parts]
        distances = [ops.relu(sides * (part - median)) for part, median in zip(parts, medians, strict=True)]
        spread = ops.sqrt(ops.square(distances[0]) + ops.square(distances[1]))
        return medians[0] + medians[1] + sides * spread

    def get_config(self) -> dict[str, object]:
        """What rebuilds it."""
        return {**super().get_config(), "quantile_levels": self.quantile_levels}


def average(models: list[keras.Model]) -> keras.Model:
    """The mean of several models of one kind: one graph, one call."""
    inputs = {name: keras.Input(tensor.shape[1:], name=name) for name, tensor in models[0].input.items()}
    members = [keras.models.clone_model(model) for model in models]
    for i, (member, model) in enumerate(zip(members, models, strict=True), start=1):
        member.set_weights(model.get_weights())
        member.name = f"member_{i}"
    mean = layers.Average(name="mean")([member(inputs) for member in members])
    return keras.Model(inputs, mean, name=models[0].name)
