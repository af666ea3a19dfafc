"""The multi-input model: a recurrent model's forecast, corrected by the track's metadata while it is new.

A feed-forward net takes the 13 audio features (with a mask of the known ones), what the artist has on the
chart beside the track, and where the track stands: its age, level, position and last move. Its output is
added to the recurrent part's, in full on the debut day and fading out over the first four weeks: later the
track's own past says more. It starts at zero: with nothing learned, the model is its recurrent part.
docs/decisions/metadata-is-for-new-tracks.md says why.
"""

import math

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from app.forecasting.spec import ForecastSpec
from training.models.lstm import build_lstm

STANDING = (
    "observed_days",
    "age",
    "release_age",
    "release_known",
    "level",
    "position",
    "log_ratio",
    "deviation",
    "days_unobserved",
)
FADED_AFTER = math.log1p(28) / 5  # observed days, in the scale of their channel
DROPOUT = 0.1


def is_new(spec: ForecastSpec, covariates: NDArray[np.float32]) -> NDArray[np.bool_]:
    """On which steps the metadata have a say. (batch, steps, channels) -> (batch, steps)"""
    new: NDArray[np.bool_] = covariates[:, :, spec.covariates.index("observed_days")] < FADED_AFTER
    return new


def build_multi_input(
    spec: ForecastSpec, recurrent: keras.Model | None = None, units: int = 32
) -> keras.Model:
    """Covariates (batch, steps, channels), static (batch, 26), artist (batch, steps, 2) -> log-ratios.

    Args:
        spec: With static and artist covariates.
        recurrent: A trained recurrent model to keep as it is (the two stages of the paper's
            conclusion); None: a new one, trained jointly.
        units: Width of the feed-forward net.
    """
    part = recurrent if recurrent is not None else build_lstm(spec)
    part.name = "recurrent_part"
    part.trainable = recurrent is None
    covariates = keras.Input((None, len(spec.covariates)), name="covariates")
    static = keras.Input((2 * len(spec.static_covariates),), name="static")
    artist = keras.Input((None, len(spec.artist_covariates)), name="artist")
    standing = ops.take(covariates, [spec.covariates.index(name) for name in STANDING], axis=-1)
    by_step = layers.Concatenate(name="by_step")([standing, artist])
    from_step = layers.Dense(units, name="from_step")(by_step)
    from_features = layers.Dense(units, use_bias=False, name="from_features")(static)
    joined = layers.Add(name="with_features")(
        [from_step, layers.Reshape((1, units), name="every_step")(from_features)]
    )
    first = layers.Dropout(DROPOUT)(layers.Activation("gelu", name="first")(joined))
    second = layers.Dropout(DROPOUT)(layers.Dense(units, activation="gelu", name="second")(first))
    rows, levels = 2 * spec.horizon, len(spec.quantile_levels)
    flat = layers.Dense(rows * levels, kernel_initializer="zeros", name="correction")(second)
    observed_days = covariates[:, :, spec.covariates.index("observed_days"), None]
    faded = layers.Multiply(name="faded")([flat, ops.relu(1.0 - observed_days / FADED_AFTER)])
    correction = layers.Reshape((-1, rows, levels), name="corrections")(faded)
    corrected = layers.Add(name="corrected")([part({"covariates": covariates}), correction])
    inputs = {"covariates": covariates, "static": static, "artist": artist}
    return keras.Model(inputs, corrected, name="track")
