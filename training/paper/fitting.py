"""Fitting a model of the remake: Adam on squared error, a number of passes fixed beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from app.forecasting.history import Floats

Inputs = Sequence[NDArray[np.float32]]  # one array an input of the model


@dataclass(frozen=True)
class Data:
    """Inputs, one array each, and their targets."""

    inputs: Inputs
    targets: NDArray[np.float32]


@dataclass(frozen=True)
class Loss:
    """Mean squared errors of scaled values after some passes; ``test`` is for the eye alone."""

    passes: list[int]
    training: list[float]
    test: list[float]


def fit(
    model: keras.Model,
    training: Data,
    *,
    passes: int,
    passes_per_point: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    test: Data | None = None,
) -> Loss:
    """Fit in place. With ``test``, its loss is noted every ``passes_per_point``; it changes nothing."""
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss="mse", jit_compile=False)
    history = model.fit(
        _repeat(training, passes_per_point, batch_size, seed),
        validation_data=None if test is None else _batches(test, len(test.targets)),
        epochs=-(-passes // passes_per_point),
        shuffle=False,  # the data set shuffles itself
        verbose=0,
    ).history
    points = [passes_per_point * (i + 1) for i in range(len(history["loss"]))]
    return Loss(points, history["loss"], history.get("val_loss", []))


def forecast(model: keras.Model, inputs: Inputs) -> Floats:
    """All windows in one call: ``predict`` would cost more than the model. (windows, songs)"""
    arrays = list(inputs) if len(inputs) > 1 else inputs[0]
    return np.asarray(model(arrays, training=False), dtype=np.float64)


def _repeat(data: Data, passes: int, batch_size: int, seed: int) -> tf.data.Dataset:
    """Several passes as one epoch of Keras, whose own cost is that of many small batches."""
    samples = tf.data.Dataset.from_tensor_slices(_tensors(data))
    return samples.shuffle(len(data.targets), seed=seed).repeat(passes).batch(batch_size).prefetch(2)


def _batches(data: Data, batch_size: int) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(_tensors(data)).batch(batch_size)


def _tensors(data: Data) -> tuple[object, NDArray[np.float32]]:
    inputs = tuple(data.inputs) if len(data.inputs) > 1 else data.inputs[0]
    return inputs, data.targets
