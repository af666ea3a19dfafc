"""The multi-input model: a recurrent model's output joined with the track's 13 audio features.

The features (and a mask of the known ones) meet the recurrent state and the step's inputs in a
feed-forward net, which corrects the recurrent part's forecast. The correction starts at zero: with
nothing learned, the model is its recurrent part.
"""

import keras
from keras import layers

from app.forecasting.spec import ForecastSpec
from training.models.lstm import build_lstm


def build_multi_input(
    spec: ForecastSpec, recurrent: keras.Model | None = None, units: int = 32
) -> keras.Model:
    """Covariates (batch, steps, channels) and static (batch, 26) -> (batch, steps, horizon, levels).

    Args:
        spec: With static covariates.
        recurrent: A trained recurrent model to keep as it is (the two stages of the paper's
            conclusion); None: a new one, trained jointly.
        units: Width of the feed-forward net.
    """
    part = recurrent if recurrent is not None else build_lstm(spec)
    part.trainable = recurrent is None
    static = keras.Input((2 * len(spec.static_covariates),), name="static")
    by_features = layers.Dense(units, use_bias=False, name="from_features")(static)
    by_features = layers.Reshape((1, units), name="every_step")(by_features)
    by_state = layers.Dense(units, name="from_state")(part.get_layer("joined").output)
    joined = layers.Add(name="with_features")([by_state, by_features])
    hidden = layers.Activation("gelu", name="metadata_hidden")(joined)
    n_outputs = spec.horizon * len(spec.quantile_levels)
    flat = layers.Dense(n_outputs, kernel_initializer="zeros", name="correction")(hidden)
    correction = layers.Reshape((-1, spec.horizon, len(spec.quantile_levels)))(flat)
    corrected = layers.Add(name="corrected")([part.output, correction])
    return keras.Model({**part.input, "static": static}, corrected, name="multi_input")
