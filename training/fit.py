"""Fitting a model: stock Keras, seeded, the number of epochs chosen on a later period."""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from app.forecasting.spec import ForecastSpec
from training.dataset import Examples
from training.losses import PinballLoss

STEPS_PER_CALL = 16  # from Python: fewer waits between steps, the same weights


@dataclass(frozen=True)
class FitSettings:
    """How a model is fitted. The learning rate's schedule spans ``max_epochs``, however many are run."""

    seed: int = 1
    max_epochs: int = 10
    batch_size: int = 64
    learning_rate: float = 4e-3
    weight_decay: float = 4e-3
    warmup_share: float = 0.1
    weight_power: float = 1.0  # a step counts by its streams: the error that is reported is in streams
    horizon_power: float = 1.5
    ema_momentum: float = 0.99  # of the averaged weights: they lag by some 100 steps


@dataclass(frozen=True)
class Curve:
    """Losses after each epoch; ``validation`` is empty where there was no later period."""

    training: list[float]
    validation: list[float]

    @property
    def epochs(self) -> int:
        """How many the model was fitted for: all, or as many as have the smallest validation loss."""
        return int(np.argmin(self.validation)) + 1 if self.validation else len(self.training)


def fit(
    model: keras.Model,
    spec: ForecastSpec,
    training: Examples,
    *,
    settings: FitSettings,
    epochs: int,
    validation: Examples | None = None,
) -> Curve:
    """Fit ``model`` in place for ``epochs`` epochs, averaging its weights on the way.

    With a validation period it keeps the weights of the epoch that was best on it.
    """
    best = _BestWeights()
    steps = -(-len(training) // settings.batch_size)
    loss = PinballLoss(spec.quantile_levels, spec.horizon, settings.horizon_power)
    optimizer = _build_optimizer(settings, steps)
    model.compile(optimizer=optimizer, loss=loss, steps_per_execution=STEPS_PER_CALL)
    history = model.fit(
        _dataset(training, settings.batch_size, shuffle_seed=settings.seed),
        validation_data=None if validation is None else _dataset(validation, 256),
        epochs=epochs,
        callbacks=[best, keras.callbacks.SwapEMAWeights()],  # validation sees the averaged weights
        shuffle=False,  # the data set shuffles itself
        verbose=2,
    )
    if best.weights is not None:
        model.set_weights(best.weights)
    return Curve(history.history["loss"], history.history.get("val_loss", []))


class _BestWeights(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the averaged weights of the epoch with the smallest validation loss.

    It comes before ``SwapEMAWeights``, which brings the plain weights back when validation ends.
    """

    weights: list[np.ndarray] | None = None
    loss = np.inf

    def on_test_end(self, logs: dict[str, float] | None = None) -> None:
        loss = (logs or {}).get("loss", np.inf)
        if loss < self.loss:
            self.loss, self.weights = loss, self.model.get_weights()


def _build_optimizer(settings: FitSettings, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    total = settings.max_epochs * steps_per_epoch
    warmup = max(1, round(settings.warmup_share * total))
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, total - warmup), alpha=0.01, warmup_target=settings.learning_rate, warmup_steps=warmup
    )
    return keras.optimizers.AdamW(
        schedule,
        weight_decay=settings.weight_decay,
        clipnorm=1.0,
        use_ema=True,
        ema_momentum=settings.ema_momentum,
    )


def _dataset(examples: Examples, batch_size: int, shuffle_seed: int | None = None) -> tf.data.Dataset:
    """Batches, gathered whole by their rows: shuffling numbers holds no epoch's worth of stretches up."""
    rows = tf.data.Dataset.range(len(examples))
    if shuffle_seed is not None:
        rows = rows.shuffle(len(examples), seed=shuffle_seed)
    arrays = (examples.inputs, examples.targets, examples.weights)
    tensors = tf.nest.map_structure(tf.convert_to_tensor, arrays)
    batches = rows.batch(batch_size).map(
        lambda batch: tf.nest.map_structure(lambda tensor: tf.gather(tensor, batch), tensors)
    )
    return batches.prefetch(2)
