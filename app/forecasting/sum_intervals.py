"""Intervals of a sum of tracks, from the tracks' own intervals.

Bounds that were added up would hold only if all tracks missed by as much at once, and were far too wide;
their root of the sum of squares only if none had to do with another, and were too narrow. With d_i the
distance of a track's bound from its median, and one correlation c for every pair of an artist's tracks, the
distance of the sum's bound from the sum of medians is

    D = sqrt((1 - c) * sum(d_i^2) + c * sum(d_i)^2),

above and below apart. It is the standard deviation of a sum of equally correlated errors, exact for normal
ones. With one track it is that track's interval.
"""

import numpy as np

from app.forecasting.history import Floats

# By days ahead. The Philippines' daily charts, 2019-09 to 2020-10: those with which intervals of artists with
# several tracks cover best on the validation periods of all folds together (python -m training artists).
CORRELATIONS = (0.5, 0.4, 0.4, 0.4, 0.4, 0.5, 0.6)


def combine_distances(distances: Floats, correlation: float) -> Floats:
    """How far the sum's bounds lie from its median.

    Args:
        distances: Of each track's bounds from its median, not negative. (tracks, …)
        correlation: Of every two tracks' errors, from 0 to 1.

    Returns:
        (…)
    """
    squares, total = (distances**2).sum(axis=0), distances.sum(axis=0)
    combined: Floats = np.sqrt((1 - correlation) * squares + correlation * total**2)
    return combined


def correlation_of(horizon: int) -> float:
    """Of ``CORRELATIONS``, the last for all days after those measured."""
    return CORRELATIONS[min(horizon, len(CORRELATIONS)) - 1]
