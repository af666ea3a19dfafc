"""How far to believe an answer: its logits scaled and shifted so that they hold on entries that came later.

Source: Platt's scaling (1999), with one slope and a shift a class for the classes: Guo et al., "On
Calibration of Modern Neural Networks" (2017).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from app.forecasting.history import Floats
from training.dense import Dense
from training.systems.popularity.networks import N_CLASSES
from training.systems.popularity.scoring import SURE, log_losses

LITTLE = 1e-3  # what the square of a change of slope or shift costs, in a track's loss


@dataclass(frozen=True)
class Calibration:
    """A slope and a shift for the logit of each of the six answers; the classes share a slope. (6,), (6,)"""

    slopes: Floats
    shifts: Floats

    def apply(self, answers: Floats) -> Floats:
        """The answers as they are to be believed. (tracks, 6) -> (tracks, 6)"""
        moved = _logits(answers) * self.slopes + self.shifts
        return _answers(moved)

    def fold_into(self, layer: Dense) -> Dense:
        """The layer that gives the logits so moved."""
        return Dense(layer.kernel * self.slopes, layer.bias * self.slopes + self.shifts)


def fit_calibration(answers: Floats, targets: Floats) -> Calibration:
    """The slopes and shifts with the smallest loss on tracks that the answers had not learned from.

    Args:
        answers: (tracks, 6)
        targets: (tracks, 6)
    """
    logits = _logits(answers)
    slopes, shifts = np.ones(logits.shape[1]), np.zeros(logits.shape[1])
    slopes[:N_CLASSES], shifts[:N_CLASSES] = _fit_classes(logits[:, :N_CLASSES], targets[:, :N_CLASSES])
    for i in range(N_CLASSES, logits.shape[1]):
        slopes[i], shifts[i] = _fit_share(logits[:, i], targets[:, i])
    return Calibration(slopes, shifts)


def _fit_classes(logits: Floats, targets: Floats) -> tuple[float, Floats]:
    def loss(values: Floats) -> float:
        said = _softmax(values[0] * logits + values[1:])
        return float(log_losses(said, targets).mean()) + _cost(values)

    return _minimise(loss, 1 + N_CLASSES)


def _fit_share(logits: Floats, targets: Floats) -> tuple[float, float]:
    def loss(values: Floats) -> float:
        moved = values[0] * logits + values[1]
        return float((np.logaddexp(0.0, moved) - targets * moved).mean()) + _cost(values)

    slope, shifts = _minimise(loss, 2)
    return slope, float(shifts[0])


def _minimise(loss: Callable[[Floats], float], n_values: int) -> tuple[float, Floats]:
    start = np.array([1.0] + [0.0] * (n_values - 1))
    bounds = [(0.0, None)] + [(None, None)] * (n_values - 1)  # below 0 it would say the opposite
    found = minimize(loss, start, method="L-BFGS-B", bounds=bounds).x
    return float(found[0]), found[1:]


def _cost(values: Floats) -> float:
    return LITTLE * float((values[0] - 1.0) ** 2 + (values[1:] ** 2).sum())


def _logits(answers: Floats) -> Floats:
    held = np.clip(answers.astype(np.float64), SURE, 1.0 - SURE)
    classes, shares = held[:, :N_CLASSES], held[:, N_CLASSES:]
    return np.concatenate([np.log(classes), np.log(shares) - np.log(1.0 - shares)], axis=1)


def _answers(logits: Floats) -> Floats:
    shares = 1.0 / (1.0 + np.exp(-logits[:, N_CLASSES:]))
    return np.concatenate([_softmax(logits[:, :N_CLASSES]), shares], axis=1)


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=1, keepdims=True)
    return shares
