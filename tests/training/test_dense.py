"""Several dense layers as one give what they give apart."""

import numpy as np
import pytest

from training.dense import Dense, mean_of, side_by_side

RANDOM = np.random.Generator(np.random.PCG64(6))
LAYERS = [Dense(RANDOM.normal(size=(7, 3)), RANDOM.normal(size=3)) for _ in range(4)]


def _apply(layer: Dense, inputs: np.ndarray) -> np.ndarray:
    return np.asarray(inputs @ layer.kernel + layer.bias)


@pytest.mark.parametrize("shared", [0, 2, 7])
def test_side_by_side_each_reads_its_own_inputs_and_those_of_all(shared: int) -> None:
    own, common = RANDOM.normal(size=(4, 5, 7 - shared)), RANDOM.normal(size=(5, shared))
    apart = [
        _apply(layer, np.concatenate([of, common], axis=1)) for layer, of in zip(LAYERS, own, strict=True)
    ]
    one = side_by_side(LAYERS, shared=shared)
    found = _apply(one, np.concatenate([*own, common], axis=1))
    np.testing.assert_allclose(found, np.concatenate(apart, axis=1))


def test_the_mean_is_of_all_outputs() -> None:
    inputs = RANDOM.normal(size=(4, 5, 7))
    apart = [_apply(layer, of) for layer, of in zip(LAYERS, inputs, strict=True)]
    found = _apply(mean_of(LAYERS), np.concatenate(list(inputs), axis=1))
    np.testing.assert_allclose(found, np.mean(apart, axis=0))


def test_a_layer_may_end_in_any_linear_map() -> None:
    inputs, ending = RANDOM.normal(size=(5, 7)), RANDOM.normal(size=(3, 2))
    np.testing.assert_allclose(_apply(LAYERS[0].then(ending), inputs), _apply(LAYERS[0], inputs) @ ending)
