"""Windows of the matrix: the days before a date, and that date as their target."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Floats


@dataclass(frozen=True)
class MatrixWindows:
    """Windows of one width.

    Attributes:
        inputs: The days before each target. (windows, lookback, songs)
        targets: (windows, songs)
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]

    def pooled(self) -> "MatrixWindows":
        """A sample a window and song, song by song within a date. (windows x songs, lookback, 1)"""
        n_windows, lookback, n_songs = self.inputs.shape
        inputs = self.inputs.transpose(0, 2, 1).reshape(n_windows * n_songs, lookback, 1)
        return MatrixWindows(inputs, self.targets.reshape(-1, 1))


def cut_windows(values: Floats, lookback: int, first: int, last: int) -> MatrixWindows:
    """Windows whose targets are the rows ``first`` up to but not including ``last`` of (dates, songs).

    Raises:
        ValueError: the first target has fewer than ``lookback`` days before it.
    """
    if first < lookback:
        raise ValueError(f"a target on day {first} has no {lookback} days before it")
    rows = np.arange(first, last)[:, None] + np.arange(-lookback, 0)
    return MatrixWindows(values[rows].astype(np.float32), values[first:last].astype(np.float32))
