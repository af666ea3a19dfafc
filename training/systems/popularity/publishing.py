"""The two networks, several seeds of them, as one bundle."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.forecasting.bundle_files import Golden
from app.forecasting.history import Floats
from app.forecasting.popularity import CLASSES, INPUTS, OUTPUTS
from app.forecasting.row_bundle import ROWS, RowBundle
from training.dense import Dense, mean_of
from training.row_models import Block, Layer, build_row_bundle, invent_rows, standardised
from training.systems.popularity.contestants import Choice, HitMusicNet, Lesson
from training.systems.popularity.networks import N_FEATURES, Member, join_members
from training.systems.popularity.outcomes import Scale

NAME = "popularity"
BLOCKS = (Block(CLASSES, "softmax"), Block(OUTPUTS[len(CLASSES) :], "sigmoid"))


def fit_bundle(
    net: HitMusicNet,
    lesson: Lesson,
    scale: Scale,
    *,
    choice: Choice,
    seeds: Sequence[int],
    through: np.datetime64,
    backtest: dict[str, Any],
    data: str,
) -> RowBundle:
    """Fit a member a seed on all that can be learned, and lay them out as one graph."""
    members = [next(net.fit(lesson, [choice], seed)) for seed in seeds]
    rows = invent_rows(len(INPUTS))
    return build_row_bundle(
        NAME,
        inputs=INPUTS,
        blocks=BLOCKS,
        layers=lay_out(members),
        golden=Golden({ROWS: rows}, np.array(join_members(members)(rows))),
        trained_through=str(through),
        training={
            "tracks": len(lesson.inputs),
            "classes": scale.describe(),
            "settings": {**choice, "encoder_epochs": net.encoder_epochs, "seeds": list(seeds)},
            "data": data,
        },
        backtest=backtest,
    )


def lay_out(members: Sequence[Member]) -> list[Layer]:
    """The members side by side, as a stack of layers: six answers by their mean logits.

    The encoders take three layers that the other inputs go around. A stack has no way around, so they go
    through it twice, once as they are and once negated: what ``relu`` keeps of both is all of it.
    """
    inputs, n_around = members[0].inputs, len(members[0].inputs.mean) - N_FEATURES
    first, *deeper = zip(*(member.encoder for member in members), strict=True)
    both = np.concatenate([np.eye(n_around), -np.eye(n_around)], axis=1)
    start = _apart([_beside(first), Dense(both, np.zeros(2 * n_around))])
    onward = Dense(np.eye(2 * n_around), np.zeros(2 * n_around))
    on_codes, *hidden = zip(*(member.top for member in members), strict=True)
    stack = [standardised(start, inputs.mean, inputs.scale)]
    stack += [_apart([*encoders, onward]) for encoders in deeper]
    stack.append(_on_codes(members, on_codes))
    stack += [_apart(of_depth) for of_depth in hidden[:-1]]
    return [*(Layer(dense, "relu") for dense in stack), Layer(mean_of(hidden[-1]))]


def _on_codes(members: Sequence[Member], tops: Sequence[Dense]) -> Dense:
    """Each member's first layer on its own code, and on the other inputs, which are there twice."""
    own, around = [], []
    for member, dense in zip(members, tops, strict=True):
        code = member.code
        assert code is not None
        own.append(standardised(Dense(dense.kernel[: len(code.mean)], dense.bias), code.mean, code.scale))
        around.append(dense.kernel[len(code.mean) :])
    apart, of_around = _apart(own), np.concatenate(around, axis=1)
    return Dense(np.concatenate([apart.kernel, of_around, -of_around]), apart.bias)


def _beside(layers: Sequence[Dense]) -> Dense:
    """One layer with the outputs of several, all on the same inputs."""
    kernel = np.concatenate([layer.kernel for layer in layers], axis=1)
    return Dense(kernel, np.concatenate([layer.bias for layer in layers]))


def _apart(layers: Sequence[Dense]) -> Dense:
    """One layer that does what several do, each on inputs of its own."""
    bias = np.concatenate([layer.bias for layer in layers])
    kernel: Floats = np.zeros((sum(len(layer.kernel) for layer in layers), len(bias)))
    row = column = 0
    for layer in layers:
        n_inputs, n_outputs = layer.kernel.shape
        kernel[row : row + n_inputs, column : column + n_outputs] = layer.kernel
        row, column = row + n_inputs, column + n_outputs
    return Dense(kernel, bias)
