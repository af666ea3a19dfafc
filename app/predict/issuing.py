"""Making the forecasts of whole charts that a region's store lacks, each as of its own day."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from app.forecasting.artists import number_artists
from app.forecasting.chart_grid import ChartGrid
from app.forecasting.forecaster import Forecaster
from app.forecasting.history import Floats, History, parse_release_day
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.past import ChartForecast, issue_forecast
from app.repository.history import count_observed_days, read_region_days, read_track_facts
from app.repository.regions import RegionState


@dataclass(frozen=True)
class RegionDays:
    """A region's charts of consecutive days.

    Attributes:
        first_day: The day of column 0.
        track_ids: Every track on one of them, sorted.
        streams: NaN where a track did not chart. (tracks, days)
        positions: NaN likewise. (tracks, days)
    """

    first_day: dt.date
    track_ids: list[str]
    streams: Floats
    positions: Floats

    def column(self, day: dt.date) -> int:
        """Of a day."""
        return (day - self.first_day).days


def read_days(
    connection: Connection, region: RegionState, first_day: dt.date, last_day: dt.date
) -> RegionDays:
    """Lay out a region's charts from ``first_day``, or from its first, to ``last_day``."""
    first_day = max(first_day, region.first_day)
    rows = read_region_days(connection, region.code, first_day, last_day)
    track_ids = sorted({row.track_id for row in rows})
    index = {track_id: i for i, track_id in enumerate(track_ids)}
    streams, positions = (np.full((len(index), (last_day - first_day).days + 1), np.nan) for _ in range(2))
    first = first_day.toordinal()
    places = ([index[row.track_id] for row in rows], [row.date.toordinal() - first for row in rows])
    streams[places] = [row.streams for row in rows]
    positions[places] = [row.position for row in rows]
    return RegionDays(first_day, track_ids, streams, positions)


def issue_forecasts(
    connection: Connection,
    region: RegionState,
    days: RegionDays,
    cutoffs: Sequence[dt.date],
    *,
    market: MarketCovariates,
    forecaster: Forecaster,
) -> dict[dt.date, ChartForecast]:
    """Forecast the charts of ``cutoffs``, each as of its own day.

    Args:
        connection: For what is known of the tracks.
        region: Whose charts they are.
        days: Charts that reach ``forecaster.grid_length`` days back from each cutoff, or to the
            region's first.
        cutoffs: Days that have a chart; none costs nothing.
        market: The region's shared channels.
        forecaster: The model.
    """
    if not cutoffs:
        return {}
    grid = _build_grid(connection, region, days)
    return {
        day: issue_forecast(grid, days.track_ids, days.column(day), market, forecaster) for day in cutoffs
    }


def read_last_chart(connection: Connection, region: RegionState, as_of: dt.date, length: int) -> History:
    """The tracks of the last chart up to ``as_of``, on grids of ``length`` days that end on it."""
    days = read_days(connection, region, as_of - dt.timedelta(days=length - 1), as_of)
    grid, column = _build_grid(connection, region, days), days.column(as_of)
    charts = np.flatnonzero(np.isfinite(days.streams).any(axis=0))
    tracks = grid.charting(int(charts[-1]) if len(charts) else column)
    return grid.history(tracks, column, length)


def _build_grid(connection: Connection, region: RegionState, days: RegionDays) -> ChartGrid:
    facts = read_track_facts(connection, region.code, days.track_ids)
    known = [facts[track_id] for track_id in days.track_ids]
    day_before = days.first_day - dt.timedelta(days=1)
    counts = count_observed_days(connection, region.code, days.track_ids, day_before)
    return ChartGrid(
        first_day=np.datetime64(days.first_day, "D"),
        streams=days.streams,
        positions=days.positions,
        first_days=np.array([track.first_day for track in known], dtype="datetime64[D]"),
        observed_before=np.array([counts.get(track_id, 0) for track_id in days.track_ids]),
        release_days=np.array([parse_release_day(track.release_date) for track in known]),
        features=np.array([track.features for track in known], dtype=float),
        artists=number_artists([track.artist for track in known]),
    )
