"""What our head is measured against: shares, logistic regression, boosting, a support vector machine."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from app.forecasting.history import Floats, Ints
from app.forecasting.presence import INPUTS, TOP
from training.systems.presence.cells import Cells

Predict = Callable[[Cells], Floats]
BINS = 40  # of positions, of 5 ranks each

BOOSTING: dict[str, Any] = {
    "objective": "binary",
    "metric": "binary_logloss",
    "num_leaves": 31,
    "min_child_samples": 100,
    "learning_rate": 0.08,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "max_bin": 63,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "seed": 1,
    "verbosity": -1,
}


@dataclass(frozen=True)
class RivalSettings:
    """How rivals are fitted.

    Attributes:
        rounds: Trees at most.
        patience: Trees without a gain on validation before it is stopped.
        svm_cells: Cells, drawn at random, that a support vector machine learns from, and as many of the
            validation that it is calibrated on: its cost is quadratic.
    """

    rounds: int = 400
    patience: int = 30
    svm_cells: int = 5000


def fit_shares(keys: Callable[[Cells], Ints], cells: Cells, outcomes: Floats) -> Predict:
    """The share of the outcome among the training cells alike; of all of them, where none is."""
    known = keys(cells)
    counts = np.bincount(known)
    sums = np.bincount(known, weights=outcomes)
    overall = float(outcomes.mean())
    shares = (sums + overall) / (counts + 1)  # one cell more, so that no share is quite 0 or 1

    def predict(asked: Cells) -> Floats:
        wanted = keys(asked)
        found: Floats = np.where(wanted < len(shares), shares[np.minimum(wanted, len(shares) - 1)], overall)
        return found

    return predict


def no_key(cells: Cells) -> Ints:
    """All cells are alike: the base rate."""
    return np.zeros(len(cells), dtype=np.int64)


def state_key(cells: Cells) -> Ints:
    """As things are: how long off the chart, in the top 50 or not, on the chart the day before or not."""
    before = cells.rows[:, INPUTS.index("change_known_1")] > 0
    return 4 * cells.gap + 2 * (cells.position <= TOP) + before


def position_key(cells: Cells) -> Ints:
    """The last position, by fives."""
    return np.minimum((cells.position - 1) // 5, BINS - 1).astype(np.int64)


SHARES = {"base rate": no_key, "state today": state_key, "position alone": position_key}


def fit_boosting(
    training: tuple[Cells, Floats], validation: tuple[Cells, Floats], settings: RivalSettings
) -> Predict:
    """LightGBM on the same rows, its trees stopped on validation."""
    cells, outcomes = training
    learned = lgb.Dataset(cells.rows, outcomes, params=BOOSTING)
    later, known = validation
    judged = lgb.Dataset(later.rows, known, reference=learned)
    stop = lgb.early_stopping(settings.patience, verbose=False)
    booster = lgb.train(BOOSTING, learned, settings.rounds, valid_sets=[judged], callbacks=[stop])
    return lambda asked: np.asarray(booster.predict(asked.rows), dtype=float)


def fit_logistic(training: tuple[Cells, Floats]) -> Predict:
    """Logistic regression on the same rows, standardised."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    cells, outcomes = training
    if not 0 < outcomes.mean() < 1:
        return fit_shares(no_key, cells, outcomes)
    fitted = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(cells.rows, outcomes)
    return lambda asked: np.asarray(fitted.predict_proba(asked.rows)[:, 1], dtype=float)


def fit_svm(
    training: tuple[Cells, Floats], validation: tuple[Cells, Floats], settings: RivalSettings
) -> Predict:
    """A support vector machine with a Gaussian kernel on a sample; its scores calibrated on validation.

    Source: Araujo, Cristo and Giusti, "A Model for Predicting Music Popularity on Streaming Platforms", RITA
    27 (2020), and theirs of 2019, where the kernel was linear.
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.frozen import FrozenEstimator
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    learned, later = (_draw(period, settings.svm_cells) for period in (training, validation))
    machine = make_pipeline(StandardScaler(), SVC(kernel="rbf")).fit(learned[0].rows, learned[1])
    calibrated = CalibratedClassifierCV(FrozenEstimator(machine), method="sigmoid")
    calibrated.fit(later[0].rows, later[1])
    return lambda asked: np.asarray(calibrated.predict_proba(asked.rows)[:, 1], dtype=float)


def _draw(period: tuple[Cells, Floats], most: int) -> tuple[Cells, Floats]:
    cells, outcomes = period
    drawn = np.zeros(len(cells), dtype=bool)
    drawn[np.random.Generator(np.random.PCG64(1)).permutation(len(cells))[:most]] = True
    return cells.where(drawn), outcomes[drawn]
