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
from training.systems.popularity.networks import N_FEATURES, Member, Standard, join_members
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

    The encoder takes three layers that the other inputs go around. A stack has no way around, so they go
    through it twice, once as they are and once negated: what ``relu`` keeps of both is all of it.
    """
    stacks = [_lay_out(member) for member in members]
    layers = [Layer(_beside([stack[0] for stack in stacks], shared=True), "relu")]
    for same_depth in list(zip(*stacks, strict=True))[1:-1]:
        layers.append(Layer(_beside(same_depth, shared=False), "relu"))
    return [*layers, Layer(mean_of([stack[-1] for stack in stacks]))]


def _lay_out(member: Member) -> list[Dense]:
    """One member's layers, from raw inputs to logits."""
    assert member.code is not None
    n_around = len(member.inputs.mean) - N_FEATURES
    both = np.concatenate([np.eye(n_around), -np.eye(n_around)], axis=1)
    first = _block(member.encoder[0], Dense(both, np.zeros(2 * n_around)))
    around = Dense(np.eye(2 * n_around), np.zeros(2 * n_around))
    encoder = [standardised(first, member.inputs.mean, member.inputs.scale)]
    encoder += [_block(dense, around) for dense in member.encoder[1:]]
    return [*encoder, _on_code(member.top[0], member.code), *member.top[1:]]


def _on_code(dense: Dense, code: Standard) -> Dense:
    """The layer on the raw code and the other inputs, these as they are and negated."""
    n_code = len(code.mean)
    of_code = standardised(Dense(dense.kernel[:n_code], dense.bias), code.mean, code.scale)
    around = dense.kernel[n_code:]
    return Dense(np.concatenate([of_code.kernel, around, -around]), of_code.bias)


def _block(one: Dense, other: Dense) -> Dense:
    """A layer that does what two do on inputs of their own."""
    return _beside([one, other], shared=False)


def _beside(layers: Sequence[Dense], *, shared: bool) -> Dense:
    """A layer with the outputs of several, which take the same inputs or each their own."""
    bias = np.concatenate([layer.bias for layer in layers])
    if shared:
        return Dense(np.concatenate([layer.kernel for layer in layers], axis=1), bias)
    kernel: Floats = np.zeros((sum(len(layer.kernel) for layer in layers), len(bias)))
    row = column = 0
    for layer in layers:
        n_inputs, n_outputs = layer.kernel.shape
        kernel[row : row + n_inputs, column : column + n_outputs] = layer.kernel
        row, column = row + n_inputs, column + n_outputs
    return Dense(kernel, bias)
