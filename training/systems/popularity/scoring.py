"""How well answers hold: of classes, of probabilities, of scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.forecasting.history import Days, Floats, Ints
from app.forecasting.popularity import CLASSES, OUTPUTS, POSITIONS, WINDOW

N_CLASSES = len(CLASSES)
SCORE, PEAK, STAY = range(N_CLASSES, len(OUTPUTS))
BINS = 10  # of probabilities, in the reliability table
SURE = 1e-4  # how near to 0 or 1 an answer may come before several are joined
LEAST = 1e-6  # a probability that turns out wrong costs no more than this one would
RESAMPLES, SEED = 2000, 1


def score_answers(answers: Floats, targets: Floats) -> dict[str, Any]:
    """Every figure of some answers. (tracks, 6), (tracks, 6)"""
    probabilities, wanted = answers[:, :N_CLASSES], targets[:, :N_CLASSES]
    told, true = probabilities.argmax(axis=1), wanted.argmax(axis=1)
    confusion = np.zeros((N_CLASSES, N_CLASSES), dtype=int)
    np.add.at(confusion, (true, told), 1)
    table = _reliability(probabilities, wanted)
    return {
        "tracks": len(answers),
        "macro_f1": _macro_f1(confusion),
        "accuracy": float((told == true).mean()),
        "log_loss": float(log_losses(answers, targets).mean()),
        "brier": float(((probabilities - wanted) ** 2).sum(axis=1).mean()),
        "ece": float(sum(row["share"] * abs(row["said"] - row["came"]) for row in table)),
        "r2": _r2(answers[:, SCORE], targets[:, SCORE]),
        "spearman": _spearman(answers[:, SCORE], targets[:, SCORE]),
        "peak_mae": float(POSITIONS * np.abs(answers[:, PEAK] - targets[:, PEAK]).mean()),
        "peak_r2": _r2(answers[:, PEAK], targets[:, PEAK]),
        "peak_bias": float(POSITIONS * (targets[:, PEAK] - answers[:, PEAK]).mean()),
        "days_mae": float(WINDOW * np.abs(answers[:, STAY] - targets[:, STAY]).mean()),
        "days_r2": _r2(answers[:, STAY], targets[:, STAY]),
        "days_bias": float(WINDOW * (answers[:, STAY] - targets[:, STAY]).mean()),
        "confusion": confusion.tolist(),
        "reliability": table,
    }


def join_answers(answers: Sequence[Floats]) -> Floats:
    """One answer of several, by their mean logits, as the served graph does. (tracks, 6) each and in all"""
    logs = np.mean([np.log(np.clip(each, SURE, 1.0)) for each in answers], axis=0)
    against = np.mean([np.log(np.clip(1.0 - each, SURE, 1.0)) for each in answers], axis=0)
    classes = np.exp(logs[:, :N_CLASSES])
    shares = 1.0 / (1.0 + np.exp(against - logs))[:, N_CLASSES:]
    return np.concatenate([classes / classes.sum(axis=1, keepdims=True), shares], axis=1)


def log_losses(answers: Floats, targets: Floats) -> Floats:
    """Of each track's class. (tracks,)"""
    of_true = (answers[:, :N_CLASSES] * targets[:, :N_CLASSES]).sum(axis=1)
    losses: Floats = -np.log(np.maximum(of_true, LEAST))
    return losses


def judge(answers: Floats, targets: Floats) -> float:
    """What settings are chosen by: the classes' log loss, and the share of the scores' spread left unsaid."""
    left = 1.0 - _r2(answers[:, SCORE], targets[:, SCORE])
    return float(log_losses(answers, targets).mean()) + left


def compare(one: Floats, other: Floats, targets: Floats, entries: Days) -> dict[str, float]:
    """How much smaller ``one``'s log loss is than ``other``'s on the same tracks, with a 95% interval.

    Whole entry days are drawn: what enters together, an album say, does well or badly together.
    """
    gains = log_losses(other, targets) - log_losses(one, targets)
    days, of_day = np.unique(entries, return_inverse=True)
    sums, counts = np.bincount(of_day, gains), np.bincount(of_day)
    drawn = np.random.Generator(np.random.PCG64(SEED)).integers(0, len(days), (RESAMPLES, len(days)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {"gain": float(gains.mean()), "low_95": float(low), "high_95": float(high)}


def _macro_f1(confusion: Ints) -> float:
    hits = np.diag(confusion)
    counted = confusion.sum(axis=0) + confusion.sum(axis=1)
    return float(np.mean(2 * hits / np.maximum(counted, 1)))


def _reliability(probabilities: Floats, wanted: Floats) -> list[dict[str, float]]:
    """Of all three classes' probabilities together: what was said, and how often it came."""
    said, came = probabilities.ravel(), wanted.ravel()
    bins = np.minimum((said * BINS).astype(int), BINS - 1)
    return [
        {
            "from": i / BINS,
            "to": (i + 1) / BINS,
            "share": float((bins == i).mean()),
            "said": float(said[bins == i].mean()),
            "came": float(came[bins == i].mean()),
        }
        for i in range(BINS)
        if (bins == i).any()
    ]


def _r2(said: Floats, came: Floats) -> float:
    """Beside the mean of what came, which nobody knew before."""
    spread = ((came - came.mean()) ** 2).sum()
    return float(1.0 - ((said - came) ** 2).sum() / max(spread, LEAST))


def _spearman(said: Floats, came: Floats) -> float:
    """Rank correlation; 0 where all was said alike."""
    ranks = [_ranks(values) for values in (said, came)]
    if min(np.ptp(of_one) for of_one in ranks) == 0:
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Floats) -> Floats:
    """Ranks from 0; equals share their middle one."""
    ordered = np.sort(values)
    left, right = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    middle: Floats = (left + right - 1) / 2
    return middle
