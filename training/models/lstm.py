"""The LSTM model: one recurrent layer over the days, a small head on each step's state and inputs.

It says twice how a track will move: beyond the whole chart, whose movement ``market.py`` adds, and with it.
"""

import keras
from keras import layers

from app.forecasting.spec import ForecastSpec


def build_lstm(spec: ForecastSpec, units: int = 64) -> keras.Model:
    """Covariates (batch, steps, channels) -> scaled log-ratios (batch, steps, 2 x horizon, levels)."""
    covariates = keras.Input((None, len(spec.covariates)), name="covariates")
    state = layers.LSTM(units, return_sequences=True, name="recurrent")(covariates)
    joined = layers.Concatenate(name="joined")([state, covariates])
    hidden = layers.Dense(units, activation="gelu", name="hidden")(joined)
    rows, levels = 2 * spec.horizon, len(spec.quantile_levels)
    flat = layers.Dense(rows * levels, kernel_initializer="zeros", name="output")(hidden)
    quantiles = layers.Reshape((-1, rows, levels), name="quantiles")(flat)
    return keras.Model({"covariates": covariates}, quantiles, name="track")
