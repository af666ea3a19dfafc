"""The plain trend forecast: one small LSTM on an artist's own summed series, its weights shared by all.

Source: Wang et al. (2019) forecast the trend of each artist's daily plays by an LSTM on the artist's own
series. It knows no track, no calendar and no other artist. What it says is how the sum of the artist's
tracks that stay on the chart will move.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from app.forecasting.history import Floats, Ints
from app.forecasting.scaling import scale_log_ratio, unscale_log_ratio
from training.panel import Panel
from training.systems.artists.sums import build_growth, build_series

CONTEXT = 28  # days
HORIZON = 7
BATCH = 512


@dataclass(frozen=True)
class TrendSettings:
    """How the plain LSTM is fitted."""

    seed: int = 1
    units: int = 32
    max_epochs: int = 20
    patience: int = 4  # epochs without a better validation loss
    learning_rate: float = 3e-3
    every: int = 2  # days between the cutoffs that are learned from: neighbours say nearly the same
    volume_power: float = 0.5  # a series counts by its streams to this power


@dataclass(frozen=True)
class TrendExamples:
    """Series to learn from, an artist and a cutoff each.

    Attributes:
        inputs: ``build_inputs``. (examples, days, 2)
        targets: Scaled log-ratios, 0 where there is none. (examples, horizon, 1)
        weights: 0 where there is no target. (examples, horizon)
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]


def build_inputs(series: Floats, artists: Ints, cutoffs: Ints) -> NDArray[np.float32]:
    """The last days of some series: their logs less the cutoff's, scaled, 0 in a gap; and which are known.

    Args:
        series: As ``build_series`` gives them; positive at the cutoffs. (artists, days)
        artists: (examples,)
        cutoffs: Indices of days. (examples,)

    Returns:
        (examples, CONTEXT, 2)
    """
    index = cutoffs[:, None] - np.arange(CONTEXT)[::-1]
    values = np.where(index >= 0, series[artists[:, None], np.maximum(index, 0)], np.nan)
    known = values > 0
    logs = np.log(np.where(known, values, 1.0))
    levels = scale_log_ratio(np.where(known, logs - logs[:, -1:], 0.0))
    return np.stack([levels, known], axis=2).astype(np.float32)


def build_trend_examples(
    panel: Panel, *, after: np.datetime64, through: np.datetime64, settings: TrendSettings
) -> TrendExamples:
    """Examples whose target days lie after ``after`` and up to ``through``; nothing later is looked at.

    Raises:
        ValueError: there is none.
    """
    panel = panel.until(through)
    series, growth = build_series(panel), build_growth(panel, HORIZON)
    first = int((after - panel.days[0]).astype(int))  # the last day that is no target
    days_ahead = np.arange(len(panel.days))[:, None] + 1 + np.arange(HORIZON)
    growth = np.where(days_ahead > first, growth, np.nan)
    counted = np.isfinite(growth).any(axis=2) & (np.arange(len(panel.days)) % settings.every == 0)
    artists, cutoffs = np.nonzero(counted)
    if not len(artists):
        raise ValueError(f"no artist has a target after {after} and up to {through}: give a longer period")
    targets = growth[artists, cutoffs]
    known = np.isfinite(targets)
    volume = series[artists, cutoffs] ** settings.volume_power
    weights = known * (volume / volume.mean())[:, None]
    return TrendExamples(
        inputs=build_inputs(series, artists, cutoffs),
        targets=scale_log_ratio(np.where(known, targets, 0.0)).astype(np.float32)[:, :, None],
        weights=weights.astype(np.float32),
    )


def build_trend_model(settings: TrendSettings) -> keras.Model:
    """A series (batch, days, 2) -> scaled log-ratios of the days ahead (batch, horizon, 1)."""
    series = keras.Input((CONTEXT, 2), name="series")
    state = layers.LSTM(settings.units, name="recurrent")(series)
    ahead = layers.Dense(HORIZON, kernel_initializer="zeros", name="ahead")(state)
    return keras.Model(series, layers.Reshape((HORIZON, 1), name="log_ratios")(ahead), name="trend")


def fit_trend(
    panels: list[Panel],
    *,
    train_through: np.datetime64,
    validate_through: np.datetime64,
    settings: TrendSettings,
) -> keras.Model:
    """Fit the plain LSTM on target days up to ``train_through``, its epochs chosen on those up to
    ``validate_through``.

    Raises:
        ValueError: a period has no target.
    """
    beginning = min(panel.days[0] for panel in panels)
    training = _join(panels, beginning, train_through, settings)
    validation = _join(panels, train_through, validate_through, settings)
    keras.utils.set_random_seed(settings.seed)
    model = build_trend_model(settings)
    model.compile(optimizer=keras.optimizers.Adam(settings.learning_rate, clipnorm=1.0), loss="mae")
    stop = keras.callbacks.EarlyStopping(
        patience=settings.patience, restore_best_weights=True, start_from_epoch=0
    )
    model.fit(
        training.inputs,
        training.targets,
        sample_weight=training.weights,
        validation_data=(validation.inputs, validation.targets, validation.weights),
        epochs=settings.max_epochs,
        batch_size=BATCH,
        callbacks=[stop],
        verbose=2,
    )
    return model


def forecast_growth(model: keras.Model, series: Floats, artists: Ints, cutoffs: Ints) -> Floats:
    """The factor by which each artist's sum will move. (examples,) twice -> (examples, horizon)"""
    scaled = model.predict(build_inputs(series, artists, cutoffs), batch_size=4 * BATCH, verbose=0)
    growth: Floats = np.exp(unscale_log_ratio(scaled[:, :, 0].astype(float)))
    return growth


def _join(
    panels: list[Panel], after: np.datetime64, through: np.datetime64, settings: TrendSettings
) -> TrendExamples:
    parts = [build_trend_examples(p, after=after, through=through, settings=settings) for p in panels]
    return TrendExamples(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in TrendExamples.__annotations__)
    )
