"""How a model's forecasts turned out on days that it never saw, small enough to travel with its bundle."""

import io
from dataclasses import dataclass

import numpy as np

from app.forecasting.history import Floats

POINTS = 128  # of a sketch: three of them beyond the outermost level


@dataclass(frozen=True)
class Residuals:
    """Scores and errors of the last scored days of a backtest.

    Attributes:
        points: The scores of each bound at evenly spaced ranks. (groups, horizon, points, bounds)
        per_day: How many scores a day there were. (groups, horizon)
        errors: Absolute next-day error of the model and of ``chart_weekday``, summed up by day, in
            units of the latter's mean day. (days, 2)
    """

    points: Floats
    per_day: Floats
    errors: Floats

    @property
    def error_ratio(self) -> float:
        """The model's error over ``chart_weekday``'s; NaN where none is known."""
        model, baseline = self.errors.sum(axis=0) if len(self.errors) else (np.nan, np.nan)
        return float(model / baseline) if baseline > 0 else float("nan")

    def to_bytes(self) -> bytes:
        """An archive that ``read_residuals`` takes back; under 100 KB."""
        stream = io.BytesIO()
        points = np.clip(self.points, -6e4, 6e4).astype(np.float16)
        np.savez_compressed(stream, points=points, per_day=self.per_day, errors=self.errors)
        return stream.getvalue()


def read_residuals(content: bytes, *, horizon: int, bounds: int) -> Residuals:
    """Read what ``to_bytes`` wrote.

    Raises:
        ValueError: the shapes are not those of a model with ``horizon`` and ``bounds``.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        found = Residuals(*(arrays[name].astype(float) for name in ("points", "per_day", "errors")))
    groups = len(found.per_day)
    if found.points.shape != (groups, horizon, POINTS, bounds) or found.errors.shape[1:] != (2,):
        raise ValueError("residuals of another spec than the bundle's")
    return found


def sketch(values: Floats) -> Floats:
    """``POINTS`` scores that stand for all of them: those in the middle of equal shares.

    Args:
        values: (scores, bounds); at least one score.
    """
    shares = (np.arange(POINTS) + 0.5) / POINTS
    points: Floats = np.quantile(values, shares, axis=0, method="inverted_cdf")
    return points
