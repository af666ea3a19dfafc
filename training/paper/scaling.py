"""Min-max scaling by song, as the paper's, and the three ways of fitting it.

The served models fit no scale (app/forecasting/scaling.py); this one is the remake's alone.
"""

from dataclasses import dataclass

import numpy as np

from app.forecasting.history import Floats


@dataclass(frozen=True)
class MinMax:
    """A scale a song: its smallest value is 0, its largest 1."""

    low: Floats  # (songs,)
    span: Floats  # (songs,)

    @classmethod
    def fit(cls, values: Floats) -> "MinMax":
        """From the rows given, (dates, songs)."""
        low = values.min(axis=0)
        span = values.max(axis=0) - low
        return cls(low, np.where(span > 0, span, 1.0))

    def scale(self, values: Floats) -> Floats:
        """(…, songs) to about 0 to 1."""
        scaled: Floats = (values - self.low) / self.span
        return scaled

    def unscale(self, scaled: Floats) -> Floats:
        """And back."""
        values: Floats = scaled * self.span + self.low
        return values


@dataclass(frozen=True)
class Scales:
    """The scale that a model learns with, and the one its test windows and forecasts go through."""

    training: MinMax
    test: MinMax


def fit_scales(streams: Floats, n_training: int, fitted_on: str = "training") -> Scales:
    """Scales of a matrix (dates, songs).

    Args:
        streams: The whole matrix.
        n_training: So many of its first dates are for training.
        fitted_on: "training": the first dates alone, the only fair way; "everything": test part included;
            "each part": the test part scaled by its own smallest and largest values, as the paper did.
    """
    training = MinMax.fit(streams[:n_training])
    if fitted_on == "training":
        return Scales(training, training)
    if fitted_on == "everything":
        everything = MinMax.fit(streams)
        return Scales(everything, everything)
    return Scales(training, MinMax.fit(streams[n_training:]))
