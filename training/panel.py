"""The charts of a region as arrays, and what was known of them on any day."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from app.calendar import build_calendar
from app.forecasting.artists import count_companions, number_artists
from app.forecasting.history import UNKNOWN_DAY, Days, Floats, History, Ints, parse_release_day
from app.forecasting.market import Calendar, Market
from app.forecasting.market_covariates import DAYS_AFTER, MarketCovariates, build_market_covariates
from app.forecasting.spec import FEATURES


@dataclass(frozen=True)
class Panel:
    """The charts of one region on consecutive days.

    Attributes:
        region: Its code.
        days: (days,)
        track_ids: Every track that charted.
        streams: NaN where a track did not chart. (tracks, days)
        positions: NaN likewise. (tracks, days)
        release_days: NaT where unknown. (tracks,)
        features: The 13 audio features, NaN where unknown. (tracks, 13)
        calendar: Of the days and some after them.
        artists: A number for each track's artist, -1 where unknown. (tracks,)
    """

    region: str
    days: Days
    track_ids: tuple[str, ...]
    streams: Floats
    positions: Floats
    release_days: Days
    features: Floats
    calendar: Calendar
    artists: Ints

    @cached_property
    def market(self) -> Market:
        """The region's chart as a whole."""
        return Market(days=self.days, movement=_movements(self.streams), threshold=_smallest(self.streams))

    @cached_property
    def covariates(self) -> MarketCovariates:
        """The channels that all tracks share."""
        return build_market_covariates(self.market, self.calendar)

    @cached_property
    def first_index(self) -> Ints:
        """The first day each track charted on."""
        first: Ints = np.isfinite(self.streams).argmax(axis=1)
        return first

    @cached_property
    def companions(self) -> NDArray[np.float32]:
        """What each track's artist had on each day's chart beside it. (tracks, days, 2)"""
        age = np.arange(len(self.days)) - self.first_index[:, None]
        return np.stack(count_companions(self.artists, np.isfinite(self.streams), age), axis=2)

    @cached_property
    def _observed_through(self) -> Ints:
        counts = np.isfinite(self.streams).cumsum(axis=1)
        return np.pad(counts, ((0, 0), (1, 0)))  # column i: days observed before day i

    def observed_days(self, tracks: Ints, cutoffs: Ints) -> Ints:
        """On how many days each track was observed, up to its cutoff. (cells,)"""
        counts: Ints = self._observed_through[tracks, cutoffs + 1]
        return counts

    def until(self, day: np.datetime64) -> "Panel":
        """The same charts as they were known on ``day``: nothing after it, no track first seen later."""
        n_days = int((day - self.days[0]).astype(int)) + 1
        if not 0 < n_days <= len(self.days):
            raise ValueError(f"{day} is not between {self.days[0]} and {self.days[-1]}, the days there are")
        known = np.atleast_1d(np.isfinite(self.streams[:, :n_days]).any(axis=1))
        return replace(
            self,
            days=self.days[:n_days],
            track_ids=tuple(t for t, k in zip(self.track_ids, known, strict=True) if k),
            streams=self.streams[known, :n_days],
            positions=self.positions[known, :n_days],
            release_days=self.release_days[known],
            features=self.features[known],
            artists=self.artists[known],
        )

    def history(self, tracks: Ints, cutoffs: Ints, length: int) -> History:
        """Grids of ``length`` days of some tracks, each ending on the day with the index in ``cutoffs``."""
        index = cutoffs[:, None] - np.arange(length)[::-1]
        inside = index >= 0
        rows, columns = tracks[:, None], np.maximum(index, 0)
        return History(
            cutoffs=self.days[cutoffs],
            streams=np.where(inside, self.streams[rows, columns], np.nan),
            positions=np.where(inside, self.positions[rows, columns], np.nan),
            first_days=self.days[self.first_index[tracks]],
            observed_before=self._observed_through[tracks, np.maximum(index[:, 0], 0)],
            release_days=self.release_days[tracks],
            features=self.features[tracks],
            companions=np.where(inside[:, :, None], self.companions[rows, columns], np.float32(0)),
        )


def _movements(streams: Floats) -> Floats:
    """The median ratio to the day before, over the tracks with streams on both days."""
    positive = np.where(streams > 0, streams, np.nan)
    ratios = positive[:, 1:] / positive[:, :-1]
    result = np.full(streams.shape[1], np.nan)
    some = np.isfinite(ratios).any(axis=0)
    result[1:][some] = np.nanmedian(ratios[:, some], axis=0)
    return result


def _smallest(streams: Floats) -> Floats:
    some = np.isfinite(streams).any(axis=0)
    result = np.full(streams.shape[1], np.nan)
    result[some] = np.nanmin(streams[:, some], axis=0)
    return result


def build_panel(charts: pd.DataFrame, metadata: pd.DataFrame, region: str) -> Panel:
    """Lay charts out on a daily grid.

    Args:
        charts: Columns date (datetime64), track_id, position, streams, artist (or none), of one region.
        metadata: Index track_id, columns release_date and the 13 features; empty without any.
        region: Its code.
    """
    first, last = charts["date"].min(), charts["date"].max()
    days = np.arange(
        first.to_datetime64().astype("datetime64[D]"), last.to_datetime64().astype("datetime64[D]") + 1
    )
    codes, track_ids = pd.factorize(charts["track_id"], sort=True)
    column = (charts["date"].to_numpy().astype("datetime64[D]") - days[0]).astype(int)
    streams, positions = (np.full((len(track_ids), len(days)), np.nan) for _ in range(2))
    streams[codes, column] = charts["streams"]
    positions[codes, column] = charts["position"]
    facts = metadata.reindex(track_ids)
    facts = facts.reindex(columns=[*FEATURES, "release_date"])
    return Panel(
        region=region,
        days=days,
        track_ids=tuple(track_ids),
        streams=streams,
        positions=positions,
        release_days=np.array([_release_day(text) for text in facts["release_date"]], dtype="datetime64[D]"),
        features=facts[list(FEATURES)].to_numpy(dtype=float),
        calendar=build_calendar(region, first.date(), last.date() + pd.Timedelta(days=DAYS_AFTER)),
        artists=number_artists(_last_artists(charts, track_ids)),
    )


def _last_artists(charts: pd.DataFrame, track_ids: pd.Index) -> list[str | None]:
    """The artist that the charts last named for each track."""
    named = charts[charts["artist"].notna()].sort_values("date")
    found = named.groupby("track_id")["artist"].last().reindex(track_ids)
    return [name if isinstance(name, str) else None for name in found]


def _release_day(text: object) -> np.datetime64:
    return parse_release_day(text) if isinstance(text, str) else UNKNOWN_DAY
