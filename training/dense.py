"""Dense layers as plain weights, and what several of them are as one: fewer and larger nodes to serve."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.forecasting.history import Floats


@dataclass(frozen=True)
class Dense:
    """A dense layer, without its activation.

    Attributes:
        kernel: (inputs, outputs)
        bias: (outputs,)
    """

    kernel: Floats
    bias: Floats

    def then(self, matrix: Floats) -> "Dense":
        """The layer whose outputs are this one's times ``matrix``, (outputs, other outputs)."""
        return Dense(self.kernel @ matrix, self.bias @ matrix)


def side_by_side(layers: Sequence[Dense], *, shared: int) -> Dense:
    """One layer that gives the outputs of several, one behind the other.

    Args:
        layers: Of equal sizes.
        shared: How many of their last inputs are the same for all. The one layer takes the other inputs of
            each, one behind the other, and then those.
    """
    own, outputs = len(layers[0].kernel) - shared, len(layers[0].bias)
    kernel = np.zeros((len(layers) * own + shared, len(layers) * outputs))
    for i, layer in enumerate(layers):
        columns = slice(i * outputs, (i + 1) * outputs)
        kernel[i * own : (i + 1) * own, columns] = layer.kernel[:own]
        kernel[len(layers) * own :, columns] = layer.kernel[own:]
    return Dense(kernel, np.concatenate([layer.bias for layer in layers]))


def mean_of(layers: Sequence[Dense]) -> Dense:
    """One layer on the inputs of several, one behind the other, that gives the mean of their outputs."""
    kernel = np.concatenate([layer.kernel for layer in layers]) / len(layers)
    return Dense(kernel, np.mean([layer.bias for layer in layers], axis=0))
