"""The LSTM model: one recurrent layer over the days, a small head on each step's state and inputs."""

import keras
from keras import layers

from app.forecasting.spec import ForecastSpec


def build_lstm(spec: ForecastSpec, units: int = 64) -> keras.Model:
    """Covariates (batch, steps, channels) -> scaled log-ratios (batch, steps, horizon, levels)."""
    covariates = keras.Input((None, len(spec.covariates)), name="covariates")
    state = layers.LSTM(units, return_sequences=True, name="recurrent")(covariates)
    joined = layers.Concatenate(name="joined")([state, covariates])
    hidden = layers.Dense(units, activation="gelu", name="hidden")(joined)
    n_outputs = spec.horizon * len(spec.quantile_levels)
    flat = layers.Dense(n_outputs, kernel_initializer="zeros", name="output")(hidden)
    quantiles = layers.Reshape((-1, spec.horizon, len(spec.quantile_levels)), name="quantiles")(flat)
    return keras.Model({"covariates": covariates}, quantiles, name="lstm")
