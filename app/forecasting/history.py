"""Observed series on daily grids. A gap stays a gap: NaN, never a zero and never filled in."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.datetime64]  # day unit
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_DAY = np.dtype("datetime64[D]")
UNKNOWN_DAY = np.datetime64("NaT", "D")


@dataclass(frozen=True)
class History:
    """The last days of some tracks, each up to its own cutoff, on daily grids of one length.

    Attributes:
        cutoffs: Each grid's last day. (tracks,)
        streams: Chart streams, NaN where the track did not chart. (tracks, days)
        positions: Chart positions, NaN likewise. (tracks, days)
        first_days: The first day each track was ever observed on. (tracks,)
        observed_before: On how many days it was observed before the grid begins. (tracks,)
        release_days: The day it was released, NaT where unknown. (tracks,)
        features: The 13 audio features, NaN where unknown. (tracks, 13)
        companions: How many other tracks of its artist were on the chart, and how many new ones among
            them; a cutoff needs them on its own day alone. (tracks, days, 2)
    """

    cutoffs: Days
    streams: Floats
    positions: Floats
    first_days: Days
    observed_before: Ints
    release_days: Days
    features: Floats
    companions: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.cutoffs)

    def part(self, tracks: slice) -> "History":
        """The same of some of the tracks."""
        return History(*(getattr(self, field.name)[tracks] for field in fields(self)))


def parse_release_day(text: str | None) -> np.datetime64:
    """The first day that a release date (a year, a month or a day) can mean; NaT for none."""
    return np.datetime64(text, "D") if text else UNKNOWN_DAY


def day_numbers(days: Sequence[np.datetime64] | Days) -> Ints:
    """Days since 1970-01-01."""
    return np.asarray(days, dtype=_DAY).view(np.int64)
