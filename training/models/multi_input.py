"""The multi-input model: a recurrent model's forecast, corrected by what the track's 13 audio features say.

A feed-forward net takes the features (with a mask of the known ones) joined with where the track stands: its
age, level and position. Its output is added to the recurrent part's. It starts at zero: with nothing
learned, the model is its recurrent part. docs/decisions/metadata-sees-the-track-not-the-day.md says why the
net sees no market and no state.
"""

import keras
from keras import layers, ops

from app.forecasting.spec import ForecastSpec
from training.models.lstm import build_lstm

STANDING = ("observed_days", "age", "release_age", "release_known", "level", "position")


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
    covariates = part.input["covariates"]
    static = keras.Input((2 * len(spec.static_covariates),), name="static")
    by_features = layers.Dense(units, use_bias=False, name="from_features")(static)
    by_features = layers.Reshape((1, units), name="every_step")(by_features)
    standing = ops.take(covariates, [spec.covariates.index(name) for name in STANDING], axis=-1)
    by_standing = layers.Dense(units, name="from_standing")(standing)
    joined = layers.Add(name="with_features")([by_standing, by_features])
    hidden = layers.Activation("gelu", name="metadata_hidden")(joined)
    n_outputs = spec.horizon * len(spec.quantile_levels)
    flat = layers.Dense(n_outputs, kernel_initializer="zeros", name="correction")(hidden)
    correction = layers.Reshape((-1, spec.horizon, len(spec.quantile_levels)), name="corrections")(flat)
    corrected = layers.Add(name="corrected")([part.output, correction])
    return keras.Model({"covariates": covariates, "static": static}, corrected, name="multi_input")
