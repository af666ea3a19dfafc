"""What is scored: a song on a test date, if it charted on that date and on the day before."""

from dataclasses import dataclass

import numpy as np

from app.forecasting.history import Floats, Ints
from training.panel import Panel


@dataclass(frozen=True)
class Cells:
    """Targets and naive forecasts of some songs on the test dates; NaN where nothing is scored.

    Read from the chart itself, not from the matrix: a filled day is neither a target nor a last value.
    """

    tracks: Ints  # rows of the panel (songs,)
    actual: Floats  # (test dates, songs)
    naive: Floats  # (test dates, songs)

    def score(self, forecasts: Floats) -> dict[str, float]:
        """Errors of forecasts (test dates, songs) beside naive's on exactly the same cells."""
        scored = np.isfinite(self.actual)
        mae, rmse = _errors((forecasts - self.actual)[scored])
        naive_mae, naive_rmse = _errors((self.naive - self.actual)[scored])
        return {
            "cells": int(scored.sum()),
            "rmse": rmse,
            "mae": mae,
            "naive_rmse": naive_rmse,
            "naive_mae": naive_mae,
            "mae_to_naive": mae / naive_mae,
        }


def build_cells(panel: Panel, tracks: Ints, test_days: int) -> Cells:
    """The cells of some songs on the panel's last ``test_days`` days."""
    target = panel.streams[tracks, -test_days:].T
    last = panel.streams[tracks, -test_days - 1 : -1].T
    scored = np.isfinite(target) & np.isfinite(last)
    return Cells(tracks, np.where(scored, target, np.nan), np.where(scored, last, np.nan))


def _errors(errors: Floats) -> tuple[float, float]:
    if not np.isfinite(errors).all():
        raise ValueError("a cell has no forecast")
    return float(np.abs(errors).mean()), float(np.sqrt((errors**2).mean()))
