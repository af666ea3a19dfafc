"""The two networks: MusicAENet compresses a track's features, MusicPopNet says what comes of it.

Source: Martin-Gutierrez et al., "A Multimodal End-to-End Deep Learning Architecture for Music Popularity
Prediction", IEEE Access 2020. The sizes are those of the code that they published: of d features the encoder
makes d/2, d/3 and d/5; of d inputs the net on top makes d, d/2 and d/3, a quarter of which are dropped out. A
smaller net on top is tried beside theirs: we have a thirtieth of their tracks.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from app.forecasting.history import Floats
from app.forecasting.popularity import CLASSES, FEATURE_INPUTS, OUTPUTS
from training.dense import Dense

Rows32 = NDArray[np.float32]

N_FEATURES = len(FEATURE_INPUTS)  # the encoder's inputs: the features, then their masks
N_VALUES = N_FEATURES // 2
ENCODER_SIZES = tuple(N_FEATURES // part for part in (2, 3, 5))
N_CLASSES, N_SHARES = len(CLASSES), len(OUTPUTS) - len(CLASSES)
BATCH = 128
DROPOUT = 0.25
STEPS_PER_CALL = 32  # from Python: fewer waits between steps, the same weights


@dataclass(frozen=True)
class Standard:
    """What brings inputs to mean 0 and spread 1. (inputs,), (inputs,)"""

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, inputs: Rows32) -> "Standard":
        """By some rows; an input that is always the same stays at its scale."""
        spread = inputs.std(axis=0, dtype=np.float64)
        return cls(inputs.mean(axis=0, dtype=np.float64), np.where(spread < 1e-3, 1.0, spread))

    def __call__(self, inputs: Rows32) -> Rows32:
        scaled: Rows32 = ((inputs - self.mean) / self.scale).astype(np.float32)
        return scaled


class Fitter:
    """A compiled network that is fitted again and again, each time anew: compiling takes longer than fitting.

    Args:
        build: Makes the network; called with the seed set.
        optimizer: Of every fit.
        loss: As Keras takes it.
    """

    def __init__(
        self, build: Callable[[], keras.Model], optimizer: keras.optimizers.Optimizer, loss: Any
    ) -> None:
        self._build = build
        self.model = build()
        self.model.compile(optimizer=optimizer, loss=loss, steps_per_execution=STEPS_PER_CALL)
        optimizer.build(self.model.trainable_variables)
        self._start = [variable.numpy() for variable in optimizer.variables]

    def fit(self, inputs: Any, targets: Any, *, epochs: Sequence[int], seed: int) -> Iterator[keras.Model]:
        """Fit from a new beginning, and stop after each of the numbers of epochs, which rise."""
        keras.utils.set_random_seed(seed)
        # Layer by layer: what drops out goes by a state that is no weight, and goes on from fit to fit.
        for layer, new in zip(self.model.layers, self._build().layers, strict=True):
            for variable, value in zip(layer.variables, new.variables, strict=True):
                variable.assign(value)
        for variable, value in zip(self.model.optimizer.variables, self._start, strict=True):
            variable.assign(value)
        rows = tf.data.Dataset.from_tensor_slices((inputs, targets)).cache()
        n_rows = int(rows.cardinality())
        for done, wanted in zip((0, *epochs), epochs, strict=False):
            # All epochs as one: Keras' own take longer to begin than these few rows to go through.
            mixed = rows.shuffle(n_rows, seed=seed + done).repeat(wanted - done)
            batches = mixed.batch(min(BATCH, n_rows), drop_remainder=True).prefetch(4)
            self.model.fit(batches, shuffle=False, verbose=0)
            yield self.model


def build_autoencoder() -> keras.Model:
    """Features and masks (rows, 24), which features count (rows, 12) -> those features again (rows, 12)."""
    features, counted = keras.Input((N_FEATURES,), name="features"), keras.Input((N_VALUES,), name="counted")
    values = features
    for i, size in enumerate(ENCODER_SIZES):
        values = _relu(size, f"encoder_{i}")(values)
    for i, size in enumerate(ENCODER_SIZES[-2::-1]):
        values = _relu(size, f"decoder_{i}")(values)
    decoded = layers.Multiply()([layers.Dense(N_VALUES)(values), counted])
    return keras.Model({"features": features, "counted": counted}, decoded, name="music_ae_net")


def build_top(n_inputs: int, sizes: Sequence[int], *, l2: float = 0.0) -> keras.Model:
    """Inputs (rows, n_inputs) -> logits of the classes (rows, 3) and of the shares (rows, 3).

    Args:
        n_inputs: Of a row.
        sizes: Of the hidden layers; none: a regression.
        l2: What the square of an output's weights costs.
    """
    values = given = keras.Input((n_inputs,), name="inputs")
    for i, size in enumerate(sizes):
        values = _relu(size, f"hidden_{i}")(values)
        if i < len(sizes) - 1:
            values = layers.Dropout(DROPOUT)(values)
    held = keras.regularizers.L2(l2) if l2 else None
    outputs = {
        name: layers.Dense(size, name=name, kernel_regularizer=held)(values)
        for name, size in (("classes", N_CLASSES), ("shares", N_SHARES))
    }
    return keras.Model(given, outputs, name="music_pop_net")


def build_top_loss() -> dict[str, keras.losses.Loss]:
    """Cross-entropy of the classes, and of each share as if it were a probability."""
    return {
        "classes": keras.losses.CategoricalCrossentropy(from_logits=True),
        "shares": keras.losses.BinaryCrossentropy(from_logits=True),
    }


def to_targets(targets: Floats) -> dict[str, Rows32]:
    """What ``build_top``'s outputs are to be. (rows, 6)"""
    classes, shares = np.split(targets.astype(np.float32), [N_CLASSES], axis=1)
    return {"classes": classes, "shares": shares}


def _relu(size: int, name: str) -> layers.Dense:
    return layers.Dense(size, activation="relu", kernel_initializer="he_normal", name=name)


@dataclass(frozen=True)
class Member:
    """The weights of one pair of networks, from raw inputs on.

    Attributes:
        inputs: Standardises the inputs.
        encoder: Of the first inputs, the features; none where they are left out.
        code: Standardises what the encoder makes.
        top: The net on top; its last layer gives the logits of the six answers.
    """

    inputs: Standard
    encoder: Sequence[Dense]
    code: Standard | None
    top: Sequence[Dense]


def join_members(members: Sequence[Member]) -> keras.Model:
    """One network: raw inputs (rows, inputs) -> the answers by the members' mean logits (rows, 6)."""
    given = keras.Input((len(members[0].inputs.mean),), name="rows")
    logits = [_apply_member(member, given) for member in members]
    mean = layers.Average()(logits) if len(logits) > 1 else logits[0]
    classes = layers.Softmax()(mean[:, :N_CLASSES])
    shares = layers.Activation("sigmoid")(mean[:, N_CLASSES:])
    return keras.Model(given, layers.Concatenate()([classes, shares]), name="hit_music_net")


def _apply_member(member: Member, given: keras.KerasTensor) -> keras.KerasTensor:
    values = _normalise(member.inputs)(given)
    if member.encoder and member.code is not None:
        code = values[:, :N_FEATURES]
        for dense in member.encoder:
            code = _frozen(dense, "relu")(code)
        values = layers.Concatenate()([_normalise(member.code)(code), values[:, N_FEATURES:]])
    for i, dense in enumerate(member.top):
        values = _frozen(dense, "relu" if i < len(member.top) - 1 else "linear")(values)
    return values


def _normalise(standard: Standard) -> layers.Normalization:
    return layers.Normalization(mean=standard.mean, variance=standard.scale**2)


def _frozen(dense: Dense, activation: str) -> layers.Dense:
    kernel, bias = keras.initializers.Constant(dense.kernel), keras.initializers.Constant(dense.bias)
    return layers.Dense(
        len(dense.bias), activation=activation, kernel_initializer=kernel, bias_initializer=bias
    )


def read_dense(model: keras.Model, names: Sequence[str]) -> list[Dense]:
    """The weights of some layers."""
    return [
        Dense(*(np.array(w, dtype=np.float64) for w in model.get_layer(name).get_weights())) for name in names
    ]
