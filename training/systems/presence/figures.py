"""How good probabilities are: sharp (AUC), honest (reliability, ECE) and both (Brier, log loss)."""

from typing import Any

import numpy as np
import pandas as pd

from app.forecasting.history import Floats

BINS = 10
LEAST = 1e-4  # a probability is held to this from 0 and 1 before its logarithm is taken


def score(outcomes: Floats, probabilities: Floats) -> dict[str, float]:
    """Brier, AUC (NaN where all outcomes are alike), log loss and expected calibration error."""
    held = np.clip(probabilities, LEAST, 1 - LEAST)
    losses = -np.where(outcomes > 0, np.log(held), np.log(1 - held))
    return {
        "brier": float(np.mean((probabilities - outcomes) ** 2)),
        "auc": area_under_curve(outcomes, probabilities),
        "log_loss": float(losses.mean()),
        "ece": calibration_error(reliability(outcomes, probabilities)),
    }


def area_under_curve(outcomes: Floats, probabilities: Floats) -> float:
    """How often, of a cell where it came about and one where it did not, the first had the larger."""
    came = outcomes > 0
    n_came, n_not = int(came.sum()), int((~came).sum())
    if not n_came or not n_not:
        return float("nan")
    ranks = pd.Series(probabilities).rank().to_numpy()  # ties get their mean
    return float((ranks[came].sum() - n_came * (n_came + 1) / 2) / (n_came * n_not))


def reliability(outcomes: Floats, probabilities: Floats) -> list[dict[str, Any]]:
    """For each tenth of the probabilities' range: how many cells, what was said of them, what came about."""
    bins = np.minimum((probabilities * BINS).astype(int), BINS - 1)
    return [
        {
            "from": b / BINS,
            "cells": int(inside.sum()),
            "said": float(probabilities[inside].mean()),
            "came": float(outcomes[inside].mean()),
        }
        for b in range(BINS)
        if (inside := bins == b).any()
    ]


def calibration_error(bins: list[dict[str, Any]]) -> float:
    """The mean distance between what was said and what came about, over the cells of all bins."""
    total = sum(b["cells"] for b in bins)
    return float(sum(b["cells"] * abs(b["said"] - b["came"]) for b in bins) / total)
