"""A region's market as arrays, kept per process while the region's data stay as they are."""

import datetime as dt
from threading import Lock

import numpy as np
from sqlalchemy import Connection

from app.calendar import build_calendar
from app.forecasting.artists import ChartArtists
from app.forecasting.history import Floats
from app.forecasting.market import WEEKS, Market, chart_ratio, chart_weekday, first_week
from app.forecasting.market_covariates import DAYS_AFTER, MarketCovariates, build_market_covariates
from app.forecasting.presence import CHART_DAYS, build_chart_state
from app.predict.intervals import IntervalFactors, read_interval_factors, to_grid
from app.repository.history import read_chart_artists, read_chart_days, read_chart_streams, read_region_days
from app.repository.regions import RegionState

MOST_CHARTS = 100  # of a region, some 50 KB each
MOST_KEPT = 1000  # days, or steps between days, of a kind
WEEK = dt.timedelta(days=7)


class MarketCache:
    """What depends on a region's charts alone. A new version of them makes it anew: it is never stale."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._covariates: dict[str, tuple[RegionState, MarketCovariates]] = {}
        self._factors: dict[tuple[str, dt.date, int], tuple[RegionState, IntervalFactors]] = {}
        self._artists: dict[str, tuple[RegionState, dict[dt.date, ChartArtists]]] = {}
        self._states: dict[str, tuple[RegionState, dict[dt.date, Floats]]] = {}
        self._growth: dict[str, tuple[RegionState, dict[tuple[dt.date, dt.date, dt.date], float]]] = {}
        self._ratios: dict[str, tuple[RegionState, dict[tuple[dt.date, dt.date], float | None]]] = {}

    def covariates(self, connection: Connection, region: RegionState) -> MarketCovariates:
        """The region's shared channels up to its last day; row d of them reads no day after d."""
        with self._lock:
            kept = self._covariates.get(region.code)
        if kept is None or kept[0] != region:
            kept = (region, _build_covariates(connection, region))
            with self._lock:
                self._covariates[region.code] = kept
        return kept[1]

    def growth(
        self, connection: Connection, region: RegionState, *, last: dt.date, target: dt.date, as_of: dt.date
    ) -> float:
        """What ``chart_weekday`` says of the step from ``last`` to ``target``, for streams of 1 on ``last``.

        Its weeks are the four smallest k with ``target`` - 7k at or before ``as_of``.
        """
        key = (last, target, as_of)
        known = self._growth.get(region.code)
        if known is None or known[0] != region:
            known = self._growth[region.code] = (region, {})
        if key not in known[1]:
            first = first_week((target - as_of).days)
            weeks = range(first, first + WEEKS)
            ratios = [self._ratio(connection, region, target - k * WEEK, last - k * WEEK) for k in weeks]
            if len(known[1]) >= MOST_KEPT:
                known[1].clear()
            known[1][key] = chart_weekday(1.0, ratios)
        return known[1][key]

    def interval_factors(
        self, connection: Connection, region: RegionState, *, as_of: dt.date, horizon: int
    ) -> IntervalFactors:
        """For each day ahead and level, what to multiply a baseline with to get its interval."""
        key = (region.code, as_of, horizon)
        kept = self._factors.get(key)
        if kept is None or kept[0] != region:
            kept = (region, read_interval_factors(connection, region, as_of=as_of, horizon=horizon))
            if len(self._factors) >= MOST_KEPT:
                self._factors.clear()
            self._factors[key] = kept
        return kept[1]

    def chart_artists(self, connection: Connection, region: RegionState, day: dt.date) -> ChartArtists:
        """Who is on one day's chart, by artist."""
        with self._lock:
            kept = self._artists.get(region.code)
            if kept is None or kept[0] != region:
                kept = self._artists[region.code] = (region, {})
        if day not in kept[1]:
            if len(kept[1]) >= MOST_CHARTS:
                kept[1].clear()
            rows = read_chart_artists(connection, region.code, day)
            kept[1][day] = ChartArtists((track, artist, (day - first).days) for track, artist, first in rows)
        return kept[1][day]

    def chart_state(self, connection: Connection, region: RegionState, day: dt.date) -> Floats:
        """What one day's chart and the week before it are like: ``build_chart_state``."""
        kept = self._states.get(region.code)
        if kept is None or kept[0] != region:
            kept = self._states[region.code] = (region, {})
        if day not in kept[1]:
            if len(kept[1]) >= MOST_KEPT:
                kept[1].clear()
            first_day = day - dt.timedelta(days=CHART_DAYS - 1)
            rows = read_region_days(connection, region.code, first_day, day)
            kept[1][day] = build_chart_state(to_grid(rows, first_day, CHART_DAYS))
        return kept[1][day]

    def _ratio(
        self, connection: Connection, region: RegionState, later: dt.date, earlier: dt.date
    ) -> float | None:
        with self._lock:
            kept = self._ratios.get(region.code)
            if kept is None or kept[0] != region:
                kept = self._ratios[region.code] = (region, {})
        if (later, earlier) not in kept[1]:
            if len(kept[1]) >= MOST_KEPT:
                kept[1].clear()
            charts = [read_chart_streams(connection, region.code, day) for day in (later, earlier)]
            kept[1][later, earlier] = chart_ratio(*charts)
        return kept[1][later, earlier]


def _build_covariates(connection: Connection, region: RegionState) -> MarketCovariates:
    market = read_market(connection, region, region.last_day)
    calendar = build_calendar(region.code, region.first_day, region.last_day + dt.timedelta(days=DAYS_AFTER))
    return build_market_covariates(market, calendar)


def read_market(connection: Connection, region: RegionState, last_day: dt.date) -> Market:
    """The region's chart as a whole, from its first day to ``last_day``."""
    n_days = (last_day - region.first_day).days + 1
    movement, threshold = np.full(n_days, np.nan), np.full(n_days, np.nan)
    for day, day_movement, min_streams in read_chart_days(connection, region.code):
        if day <= last_day:
            row = (day - region.first_day).days
            movement[row] = np.nan if day_movement is None else day_movement
            threshold[row] = min_streams
    days = np.datetime64(region.first_day, "D") + np.arange(n_days)
    return Market(days=days, movement=movement, threshold=threshold)
