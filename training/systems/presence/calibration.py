"""Chances made honest: a scale and a shift of their log odds, by what came about on later days."""

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Floats

NEWTON_STEPS = 15
UNCHANGED = 1.0, 0.0


def fit_scale(log_odds: Floats, outcomes: NDArray[np.float32]) -> tuple[float, float]:
    """What to multiply log odds with, and what to add then, for the smallest log loss.

    Outcomes that are all alike, or that would want a scale beyond twofold, change nothing.

    Args:
        log_odds: Of the chances. (cells,)
        outcomes: 1 or 0. (cells,)

    Source: Platt, "Probabilistic Outputs for Support Vector Machines", 1999; found by Newton's steps.
    """
    if not 0 < outcomes.sum() < len(outcomes):
        return UNCHANGED
    inputs = np.column_stack([log_odds, np.ones(len(log_odds))])
    found = np.array(UNCHANGED)
    for _ in range(NEWTON_STEPS):
        said = 1 / (1 + np.exp(-inputs @ found))
        curvature = (inputs * (said * (1 - said))[:, None]).T @ inputs
        found = found - np.linalg.solve(curvature + 1e-6 * np.eye(2), inputs.T @ (said - outcomes))
    scale, shift = (float(value) for value in found)
    return (scale, shift) if 0.5 < scale < 2 and np.isfinite(shift) else UNCHANGED
