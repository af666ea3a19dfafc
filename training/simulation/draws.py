"""Random draws that come out the same everywhere.

Only ``random`` and ``standard_normal`` of a PCG64 generator are used, whose streams have not changed since
numpy had them; the other distributions are made from these two.
"""

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def build_rng(seed: int, *labels: str) -> np.random.Generator:
    """A generator of its own for each part, so that a change to one leaves the others as they were."""
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32("/".join(labels).encode())]))


def draw_choices(rng: np.random.Generator, weights: Sequence[float] | Floats, count: int) -> Ints:
    """Indices into ``weights``, each as likely as its weight. (count,)"""
    bounds = np.cumsum(weights) / np.sum(weights)
    return np.minimum(np.searchsorted(bounds, rng.random(count), side="right"), len(bounds) - 1)


def draw_autoregression(rng: np.random.Generator, scale: Floats, persistence: float) -> Floats:
    """Paths that drift back to zero: each day's step is normal with sd ``scale``, now and then a wild one.

    Args:
        rng: Where the draws come from.
        scale: (tracks, days)
        persistence: How much of a day's value the next one keeps.
    """
    steps = rng.standard_normal(scale.shape) * scale
    steps *= np.where(rng.random(scale.shape) < 0.03, 3.0, 1.0)
    path = np.empty_like(steps)
    path[:, 0] = steps[:, 0] / np.sqrt(1 - persistence**2)
    for day in range(1, steps.shape[1]):
        path[:, day] = persistence * path[:, day - 1] + steps[:, day]
    return path
