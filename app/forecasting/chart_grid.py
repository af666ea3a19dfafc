"""The charts of a stretch of days as one grid, and the histories that were known on any of them."""

from dataclasses import dataclass
from functools import cached_property
from statistics import median

import numpy as np
from numpy.typing import NDArray

from app.forecasting.artists import count_companions
from app.forecasting.history import Days, Floats, History, Ints
from app.forecasting.market import WEEKS, chart_weekday


@dataclass(frozen=True)
class ChartGrid:
    """Every track of some consecutive charts.

    Attributes:
        first_day: The day of column 0.
        streams: NaN where a track did not chart. (tracks, days)
        positions: NaN likewise. (tracks, days)
        first_days: The first day each track was ever observed on. (tracks,)
        observed_before: On how many days it was observed before ``first_day``. (tracks,)
        release_days: NaT where unknown. (tracks,)
        features: The 13 audio features, NaN where unknown. (tracks, 13)
        artists: A number for each track's artist, -1 where unknown. (tracks,)
    """

    first_day: np.datetime64
    streams: Floats
    positions: Floats
    first_days: Days
    observed_before: Ints
    release_days: Days
    features: Floats
    artists: Ints

    @cached_property
    def companions(self) -> NDArray[np.float32]:
        """What each track's artist had on each day's chart beside it. (tracks, days, 2)"""
        days = self.first_day + np.arange(self.streams.shape[1])
        age = (days - self.first_days[:, None]).astype(np.int64)
        return np.stack(count_companions(self.artists, np.isfinite(self.streams), age), axis=2)

    def charting(self, column: int) -> Ints:
        """The tracks on the chart of one day."""
        tracks: Ints = np.flatnonzero(np.isfinite(self.streams[:, column]))
        return tracks

    def observed_days(self, tracks: Ints, column: int) -> Ints:
        """On how many days each of the tracks was observed, up to one day. (tracks,)"""
        inside = np.isfinite(self.streams[tracks, : column + 1]).sum(axis=1)
        counts: Ints = self.observed_before[tracks] + inside
        return counts

    def chart_weekday_step(self, column: int) -> float:
        """The factor by which ``chart_weekday`` expects the chart to move on the day after one day."""
        ratios = [self._ratio(column - 7 * k) for k in range(1, WEEKS + 1)]
        return chart_weekday(1.0, ratios)

    def _ratio(self, column: int) -> float | None:
        """The chart's median ratio from one day to the next; None where no track is on both."""
        if column < 0:
            return None
        earlier, later = self.streams[:, column], self.streams[:, column + 1]
        both = (earlier > 0) & (later > 0)
        return median((later[both] / earlier[both]).tolist()) if both.any() else None

    def history(self, tracks: Ints, column: int, length: int) -> History:
        """Grids of ``length`` days of some tracks, each ending on the day of ``column``."""
        index = column - np.arange(length)[::-1]
        inside, columns = index >= 0, np.maximum(index, 0)
        streams = np.where(inside, self.streams[np.ix_(tracks, columns)], np.nan)
        positions = np.where(inside, self.positions[np.ix_(tracks, columns)], np.nan)
        observed = self.observed_days(tracks, column) - np.isfinite(streams).sum(axis=1)
        return History(
            cutoffs=np.full(len(tracks), self.first_day + column),
            streams=streams,
            positions=positions,
            first_days=self.first_days[tracks],
            observed_before=observed,
            release_days=self.release_days[tracks],
            features=self.features[tracks],
            companions=np.where(inside[:, None], self.companions[np.ix_(tracks, columns)], np.float32(0)),
        )
