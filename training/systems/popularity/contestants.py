"""What learns from some tracks and tells what comes of others: the networks and their rivals.

All learn from the same tracks, say the same six numbers of one, and are tuned in the same way.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol

import keras
import lightgbm as lgb
import numpy as np

from app.forecasting.history import Floats
from app.forecasting.popularity import ARTIST_INPUTS, FEATURE_INPUTS, INPUTS, RELEASE_INPUTS
from training.dense import Dense
from training.systems.popularity.networks import (
    ENCODER_SIZES,
    N_CLASSES,
    N_FEATURES,
    N_VALUES,
    Fitter,
    Member,
    Rows32,
    Standard,
    build_autoencoder,
    build_top,
    build_top_loss,
    join_members,
    read_dense,
    to_targets,
)

# Which inputs a method may see. The features come first where they are among them.
GROUPS: dict[str, tuple[str, ...]] = {
    "features": FEATURE_INPUTS + RELEASE_INPUTS,
    "artist": ARTIST_INPUTS,
    "features, artist": FEATURE_INPUTS + RELEASE_INPUTS + ARTIST_INPUTS,
    "all": INPUTS,
}
HIDDEN = {"feature": 0.25, "release": 0.25, "artist": 0.15}  # how often each is, in the copies
# Of the hidden layers of the net on top, as shares of its inputs.
TOP_SIZES = {"paper": (1.0, 1 / 2, 1 / 3), "small": (1 / 2, 1 / 4)}
WEIGHT_DECAY = 0.3
Choice = dict[str, Any]


@dataclass(frozen=True)
class Lesson:
    """What is learned from.

    Attributes:
        names: Of the inputs.
        inputs: (tracks, inputs)
        targets: ``OUTPUTS`` of each track. (tracks, 6)
    """

    names: Sequence[str]
    inputs: Rows32
    targets: Floats


class Contestant(Protocol):
    """A way to learn and to tell."""

    @property
    def name(self) -> str:
        """In tables."""
        ...

    @property
    def choices(self) -> Sequence[Sequence[Choice]]:
        """Settings to try on validation: a list for each fit, on whose way all of the list are had."""
        ...

    def answer(self, lesson: Lesson, others: Rows32, tried: Sequence[Choice], seed: int) -> Iterator[Floats]:
        """For each of ``tried`` what it says of other tracks. (others, inputs) -> (others, 6) each"""
        ...


class Prior:
    """The shares and means of the tracks learned from."""

    name = "prior"
    choices: Sequence[Sequence[Choice]] = (({},),)

    def answer(self, lesson: Lesson, others: Rows32, tried: Sequence[Choice], seed: int) -> Iterator[Floats]:
        """See ``Contestant``."""
        del seed
        for _ in tried:
            yield np.tile(lesson.targets.mean(axis=0), (len(others), 1))


class Boosting:
    """LightGBM: a booster of the classes and one of each share."""

    name = "lightgbm"
    choices: Sequence[Sequence[Choice]] = tuple(
        tuple({"num_leaves": leaves, "rounds": rounds} for rounds in (40, 80, 120, 160, 240))
        for leaves in (4, 8)
    )
    shared: ClassVar[Choice] = {
        "learning_rate": 0.03,
        "min_child_samples": 40,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }

    def answer(self, lesson: Lesson, others: Rows32, tried: Sequence[Choice], seed: int) -> Iterator[Floats]:
        """See ``Contestant``."""
        parameters = self.shared | {"num_leaves": tried[0]["num_leaves"], "seed": seed}
        rounds = max(choice["rounds"] for choice in tried)
        labels = lesson.targets[:, :N_CLASSES].argmax(axis=1)
        of_classes = parameters | {"objective": "multiclass", "num_class": N_CLASSES}
        boosters = [lgb.train(of_classes, lgb.Dataset(lesson.inputs, labels), rounds)]
        for share in lesson.targets[:, N_CLASSES:].T:
            boosters.append(
                lgb.train(parameters | {"objective": "l2"}, lgb.Dataset(lesson.inputs, share), rounds)
            )
        for choice in tried:
            parts = [np.asarray(b.predict(others, num_iteration=choice["rounds"])) for b in boosters]
            yield np.clip(np.column_stack(parts), 0.0, 1.0)


@dataclass
class Logistic:
    """Logistic regression of the classes and of each share, held back by the squares of its weights."""

    epochs: int = 60
    fitters: dict[tuple[int, float], Fitter] = field(default_factory=dict)
    name: str = "logistic"
    choices: Sequence[Sequence[Choice]] = tuple(({"l2": l2},) for l2 in (0.003, 0.01, 0.03, 0.1))

    def answer(self, lesson: Lesson, others: Rows32, tried: Sequence[Choice], seed: int) -> Iterator[Floats]:
        """See ``Contestant``."""
        standard = Standard.of(lesson.inputs)
        for choice in tried:
            fitter = self._fitter(lesson.inputs.shape[1], choice["l2"])
            scaled, targets = standard(lesson.inputs), to_targets(lesson.targets)
            for model in fitter.fit(scaled, targets, epochs=[self.epochs], seed=seed):
                top = read_dense(model, ["classes", "shares"])
                member = Member(standard, [], None, [_side_by_side(top)])
                yield np.array(join_members([member])(others))

    def _fitter(self, n_inputs: int, l2: float) -> Fitter:
        if (n_inputs, l2) not in self.fitters:
            optimizer = keras.optimizers.Adam(5e-3)
            self.fitters[n_inputs, l2] = Fitter(
                lambda: build_top(n_inputs, (), l2=l2), optimizer, build_top_loss()
            )
        return self.fitters[n_inputs, l2]


@dataclass
class HitMusicNet:
    """The paper's two networks: the features compressed without a look at what came of them, a net on top."""

    encoder_epochs: int = 60
    epochs: Sequence[int] = (10, 20, 30, 45, 60)
    fitters: dict[tuple[int, str], Fitter] = field(default_factory=dict)
    name: str = "hitmusicnet"

    @property
    def choices(self) -> Sequence[Sequence[Choice]]:
        """See ``Contestant``."""
        return tuple(
            tuple({"sizes": sizes, "epochs": epochs} for epochs in self.epochs) for sizes in TOP_SIZES
        )

    def answer(self, lesson: Lesson, others: Rows32, tried: Sequence[Choice], seed: int) -> Iterator[Floats]:
        """See ``Contestant``."""
        for member in self.fit(lesson, tried, seed):
            yield np.array(join_members([member])(others))

    def fit(self, lesson: Lesson, tried: Sequence[Choice], seed: int) -> Iterator[Member]:
        """The networks with each of ``tried``, which differ in their epochs alone."""
        inputs, targets = hide_some(lesson, seed)
        standard = Standard.of(lesson.inputs)  # the same for all seeds
        scaled, encoder, code = standard(inputs), [], None
        if lesson.names[0] == INPUTS[0]:
            encoder = self._fit_encoder(scaled, inputs, seed)
            compressed = _compress(encoder, scaled[:, :N_FEATURES])
            code = Standard.of(compressed)
            scaled = np.concatenate([code(compressed), scaled[:, N_FEATURES:]], axis=1)
        sizes = tried[0]["sizes"]
        fitter = self._fitter(scaled.shape[1], sizes)
        epochs = [choice["epochs"] for choice in tried]
        hidden = [f"hidden_{i}" for i in range(len(TOP_SIZES[sizes]))]
        for model in fitter.fit(scaled, to_targets(targets), epochs=epochs, seed=seed):
            last = _side_by_side(read_dense(model, ["classes", "shares"]))
            yield Member(standard, encoder, code, [*read_dense(model, hidden), last])

    def _fit_encoder(self, scaled: Rows32, inputs: Rows32, seed: int) -> list[Dense]:
        counted = inputs[:, N_VALUES:N_FEATURES]
        given = {"features": scaled[:, :N_FEATURES], "counted": counted}
        wanted = scaled[:, :N_VALUES] * counted
        for model in self._encoder_fitter.fit(given, wanted, epochs=[self.encoder_epochs], seed=seed):
            encoder = read_dense(model, [f"encoder_{i}" for i in range(len(ENCODER_SIZES))])
        return encoder

    @cached_property
    def _encoder_fitter(self) -> Fitter:
        return Fitter(build_autoencoder, keras.optimizers.Adam(3e-3), "mse")

    def _fitter(self, n_inputs: int, sizes: str) -> Fitter:
        key = (n_inputs, sizes)
        if key not in self.fitters:
            hidden = [max(1, int(share * n_inputs)) for share in TOP_SIZES[sizes]]
            optimizer = keras.optimizers.AdamW(1e-3, weight_decay=WEIGHT_DECAY)
            self.fitters[key] = Fitter(lambda: build_top(n_inputs, hidden), optimizer, build_top_loss())
        return self.fitters[key]


def hide_some(lesson: Lesson, seed: int) -> tuple[Rows32, Floats]:
    """The rows, and a copy of each of which something is unknown: what is not known must be met in learning.

    Returns:
        Inputs and targets. (2 x tracks, inputs), (2 x tracks, 6)
    """
    random = np.random.Generator(np.random.PCG64(seed))
    copies, names = lesson.inputs.copy(), np.array(lesson.names)
    if lesson.names[0] == INPUTS[0]:
        hidden = random.random((len(copies), N_VALUES)) < HIDDEN["feature"]
        copies[:, :N_FEATURES][np.tile(hidden, 2)] = 0.0
    for group in ("release", "artist"):
        columns = np.flatnonzero(np.char.startswith(names, group))
        copies[np.ix_(random.random(len(copies)) < HIDDEN[group], columns)] = 0.0
    return np.concatenate([lesson.inputs, copies]), np.concatenate([lesson.targets, lesson.targets])


def _compress(encoder: Sequence[Dense], features: Rows32) -> Rows32:
    values = features
    for dense in encoder:
        values = np.maximum(values @ dense.kernel + dense.bias, 0.0).astype(np.float32)
    return values


def _side_by_side(layers: Sequence[Dense]) -> Dense:
    """One layer on the same inputs with the outputs of several, one behind the other."""
    kernels, biases = [layer.kernel for layer in layers], [layer.bias for layer in layers]
    return Dense(np.concatenate(kernels, axis=1), np.concatenate(biases))
