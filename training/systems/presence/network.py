"""Our own head: small dense networks of a row, one for all days ahead, in stock Keras."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from app.forecasting.history import Floats
from app.forecasting.presence import CHART
from training.dense import Dense, mean_of, side_by_side
from training.row_models import Layer, standardised
from training.systems.presence.calibration import fit_scale
from training.systems.presence.cells import Cells

STEPS_PER_CALL = 16  # from Python: fewer waits between steps, the same weights
RANK = "rank"  # the one output that is no probability
Answers = dict[str, Floats]  # by output, before its activation: (cells, values)


@dataclass(frozen=True)
class NetworkSettings:
    """How networks are fitted. The learning rate's schedule spans ``max_epochs``, however many are run.

    Attributes:
        units: Of each hidden layer.
        dropout: After each of them.
        seeds: A network each; what they answer before the last activation is averaged.
    """

    units: tuple[int, ...] = (128, 64)
    dropout: float = 0.1
    seeds: tuple[int, ...] = (1, 2, 3)
    max_epochs: int = 10
    batch_size: int = 1024
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2


@dataclass(frozen=True)
class Aim:
    """What a network is to answer of some cells, by output.

    Attributes:
        targets: 0 where unknown. (cells, values, 1)
        weights: How much each counts, 0 where unknown. (cells, values)
    """

    targets: dict[str, NDArray[np.float32]]
    weights: dict[str, NDArray[np.float32]]


AimOf = Callable[[Cells], Aim]


def next_days(cells: Cells) -> Aim:
    """Charting on each of the next 7 days and on any; the top 50 and the move of the rank, if it charts."""
    share = (cells.position[:, None] - 0.5) / CHART
    return _aim(
        {
            "chart": np.column_stack([cells.chart, cells.week]),
            "top50": np.where(cells.chart > 0, cells.top50, np.nan),
            RANK: cells.moved,
        },
        {RANK: 4 * share * (1 - share)},  # an error then counts by about the ranks that it is
    )


def far_day(cells: Cells) -> Aim:
    """Two months ahead: charting, and in the top 50."""
    return _aim({"far": cells.far}, {})


def _aim(values: dict[str, Floats], weights: dict[str, Floats]) -> Aim:
    known = {name: np.isfinite(v) for name, v in values.items()}
    return Aim(
        {name: np.where(known[name], v, 0.0).astype(np.float32)[:, :, None] for name, v in values.items()},
        {name: (known[name] * weights.get(name, 1.0)).astype(np.float32) for name in values},
    )


@dataclass(frozen=True)
class Chosen:
    """What validation chose.

    Attributes:
        epochs: How many each network is fitted for.
        calibration: By output of chances: what their log odds are multiplied with, and what is added then.
            (2, values)
    """

    epochs: tuple[int, ...]
    calibration: dict[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class Head:
    """Networks that were fitted on the same cells, one a seed.

    Attributes:
        models: Rows -> answers, before the last activation.
        chosen: How long they were fitted, and how the mean of their answers is calibrated.
    """

    models: tuple[keras.Model, ...]
    chosen: Chosen

    def answer(self, rows: NDArray[np.float32]) -> Answers:
        """The calibrated mean of the networks' answers."""
        means = _mean_answers(self.models, rows)
        scales = {name: self._scale(name) for name in means}
        return {name: values * scales[name][0] + scales[name][1] for name, values in means.items()}

    def _scale(self, name: str) -> Floats:
        size = self.models[0].get_layer(f"{name}_flat").units
        return self.chosen.calibration.get(name, np.array([np.ones(size), np.zeros(size)]))

    def to_layers(self, outputs: Sequence[str]) -> list[Layer]:
        """All networks as one stack of layers, which answers the mean of these outputs of theirs."""
        members = [_dense_layers(model, outputs) for model in self.models]
        *hidden, last = zip(*members, strict=True)
        shared = [len(members[0][0].kernel), *(0 for _ in hidden[1:])]
        stack: list[tuple[Dense, Literal["gelu", "linear"]]] = [
            (side_by_side(layer, shared=n), "gelu") for layer, n in zip(hidden, shared, strict=True)
        ]
        scale, shift = np.concatenate([self._scale(name) for name in outputs], axis=1)
        mean = mean_of(last)
        stack.append((Dense(mean.kernel * scale, mean.bias * scale + shift), "linear"))
        return [Layer(dense, activation) for dense, activation in stack]


def _mean_answers(models: Sequence[keras.Model], rows: NDArray[np.float32]) -> Answers:
    answers = [model.predict(rows, batch_size=4096, verbose=0) for model in models]
    return {name: np.mean([a[name][:, :, 0] for a in answers], axis=0, dtype=float) for name in answers[0]}


def _dense_layers(model: keras.Model, names: Sequence[str]) -> list[Dense]:
    """The hidden layers, then the outputs side by side; the first of them takes rows as they are."""
    hidden = [_read(layer) for layer in model.layers if layer.name.startswith("hidden")]
    outputs = [_read(model.get_layer(f"{name}_flat")) for name in names]
    joined = Dense(
        *(np.concatenate([getattr(o, part) for o in outputs], axis=-1) for part in ("kernel", "bias"))
    )
    first, *others = [*hidden, joined]
    standard = model.get_layer("standard")
    mean, variance = (np.asarray(value, dtype=float).ravel() for value in (standard.mean, standard.variance))
    return [standardised(first, mean, np.sqrt(variance)), *others]


def _read(layer: layers.Dense) -> Dense:
    return Dense(*(np.asarray(weight, dtype=float) for weight in layer.get_weights()))


def fit_head(
    training: Cells,
    validation: Cells | None,
    aim_of: AimOf,
    settings: NetworkSettings,
    *,
    chosen: Chosen | None = None,
) -> Head:
    """Fit a network a seed.

    Args:
        training: What is learned from.
        validation: Later cells: each network is that of the epoch with the smallest loss on them, and the
            mean of all is calibrated on them.
        aim_of: What is to be answered.
        settings: How.
        chosen: Without ``validation``: what an earlier one chose.
    """
    learned = aim_of(training)
    later = None if validation is None else aim_of(validation)
    judged = None if later is None or validation is None else (validation.rows, later.targets, later.weights)
    models, epochs = [], []
    for i, seed in enumerate(settings.seeds):
        model = _build(training.rows, learned, settings, seed)
        best = keras.callbacks.EarlyStopping(
            "val_loss", patience=settings.max_epochs, restore_best_weights=True
        )
        losses = model.fit(
            training.rows,
            learned.targets,
            sample_weight=learned.weights,
            validation_data=judged,
            batch_size=settings.batch_size,
            epochs=settings.max_epochs if chosen is None else chosen.epochs[i],
            callbacks=[] if judged is None else [best],
            verbose=0,
        ).history
        models.append(model)
        epochs.append(int(np.argmin(losses["val_loss"])) + 1 if judged else len(losses["loss"]))
    calibration = {} if chosen is None else chosen.calibration
    if later is not None and validation is not None:
        calibration = _calibrate(_mean_answers(models, validation.rows), later)
    return Head(tuple(models), Chosen(tuple(epochs), calibration))


def _calibrate(answers: Answers, aim: Aim) -> dict[str, Floats]:
    return {
        name: np.array(
            [
                fit_scale(values[known, i], aim.targets[name][known, i, 0])
                for i, known in enumerate(aim.weights[name].T > 0)
            ]
        ).T
        for name, values in answers.items()
        if name != RANK
    }


def _build(rows: NDArray[np.float32], aim: Aim, settings: NetworkSettings, seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    source = keras.Input((rows.shape[1],), name="rows")
    mean, variance = rows.mean(axis=0, dtype=float), rows.var(axis=0, dtype=float)
    variance = np.where(variance > 1e-6, variance, 1.0)  # a column that never moves says nothing
    hidden = layers.Normalization(mean=mean, variance=variance, name="standard")(source)
    for i, units in enumerate(settings.units):
        hidden = layers.Dense(units, activation="gelu", name=f"hidden_{i}")(hidden)
        hidden = layers.Dropout(settings.dropout)(hidden)
    outputs = {
        name: layers.Reshape((-1, 1), name=name)(layers.Dense(t.shape[1], name=f"{name}_flat")(hidden))
        for name, t in aim.targets.items()  # of a value each: so that each has a weight of its own
    }
    model = keras.Model(source, outputs)
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(
        _build_optimizer(settings, -(-len(rows) // settings.batch_size)),
        loss={name: "mae" if name == RANK else cross_entropy for name in outputs},
        jit_compile=False,
        steps_per_execution=STEPS_PER_CALL,
    )
    return model


def _build_optimizer(settings: NetworkSettings, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    total = settings.max_epochs * steps_per_epoch
    warmup = max(1, total // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, total - warmup), alpha=0.01, warmup_target=settings.learning_rate, warmup_steps=warmup
    )
    return keras.optimizers.AdamW(schedule, weight_decay=settings.weight_decay, clipnorm=1.0)
