"""How well a track did, as one number from 0 to 1 and as a class, by the tracks that were learned from."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from app.forecasting.history import Floats, Ints
from app.forecasting.popularity import CLASSES, POSITIONS, WINDOW
from training.systems.popularity.rows import Rows

# Even: with so much left to chance, uneven ones would have nearly every track told the commonest.
SHARES = (1 / 3, 1 / 3, 1 / 3)


@dataclass(frozen=True)
class Scale:
    """What scores and classes are measured against.

    Attributes:
        learned: The tracks that were learned from, each with its outcome.
    """

    learned: Rows

    def scores(self, rows: Rows) -> Floats:
        """The mean of two percentiles among the tracks learned from: of peak and of chart days. (tracks,)"""
        peaks = _percentiles(self.learned.peaks, rows.peaks)
        return (peaks + _percentiles(self.learned.days, rows.days)) / 2

    @cached_property
    def cuts(self) -> Floats:
        """The scores from which a track is medium, and from which it is high. (2,)"""
        cuts: Floats = np.quantile(self.scores(self.learned), np.cumsum(SHARES)[:-1])
        return cuts

    def classes(self, rows: Rows) -> Ints:
        """0, 1 or 2: an index into ``CLASSES``. (tracks,)"""
        return np.searchsorted(self.cuts, self.scores(rows), side="right")

    def targets(self, rows: Rows) -> Floats:
        """What a model is to say of each: ``OUTPUTS``, the classes as 0 or 1. (tracks, 6)"""
        shares = [(POSITIONS + 1 - rows.positions) / POSITIONS, rows.days / WINDOW]
        classes = np.eye(len(CLASSES))[self.classes(rows)]
        return np.column_stack([classes, self.scores(rows), *shares])

    def describe(self) -> list[dict[str, Any]]:
        """What each class means: its scores, its share, and the middle track of it."""
        bounds = [0.0, *self.cuts, 1.0]
        classes = self.classes(self.learned)
        return [
            {
                "class": name,
                "from_score": float(bounds[i]),
                "to_score": float(bounds[i + 1]),
                "share": float((classes == i).mean()),
                "median_peak_position": float(np.median(self.learned.positions[classes == i])),
                "median_days_on_chart": float(np.median(self.learned.days[classes == i])),
            }
            for i, name in enumerate(CLASSES)
        ]


def _percentiles(learned: Floats, values: Floats) -> Floats:
    """Each value's place among those learned from, 0 to 1; in the middle of its equals."""
    ordered = np.sort(learned)
    places = [np.searchsorted(ordered, values, side=side) for side in ("left", "right")]
    below: Floats = np.mean(places, axis=0) / len(ordered)
    return below
