"""A whole chart's forecast as issued on a day: kept, and scored when the days it speaks of are there."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.forecasting.calibration import Scores, find_groups, score_quantiles, take_logs
from app.forecasting.chart_grid import ChartGrid
from app.forecasting.forecaster import Forecaster
from app.forecasting.history import Floats, Ints
from app.forecasting.market_covariates import MarketCovariates

_SIZES = struct.Struct("<3I")  # tracks, horizon, levels
_TRACK_ID = "S22"


@dataclass(frozen=True)
class ChartForecast:
    """What a model said of every track on one day's chart.

    Attributes:
        track_ids: (tracks,)
        observed_days: Of each track, up to the cutoff. (tracks,)
        baseline: What ``chart_weekday`` said of the next day, in streams. (tracks,)
        log_quantiles: Raw, as the model gave them. (tracks, horizon, levels)
    """

    track_ids: tuple[str, ...]
    observed_days: Ints
    baseline: NDArray[np.float32]
    log_quantiles: NDArray[np.float32]

    def to_bytes(self) -> bytes:
        """As ``read_chart_forecast`` takes it back: some 50 KB for a chart of 200."""
        return b"".join(
            (
                _SIZES.pack(*self.log_quantiles.shape),
                np.array(self.track_ids, dtype=_TRACK_ID).tobytes(),
                self.observed_days.astype("<i4").tobytes(),
                self.baseline.astype("<f4").tobytes(),
                self.log_quantiles.astype("<f4").tobytes(),
            )
        )


def read_chart_forecast(content: bytes) -> ChartForecast:
    """Read what ``ChartForecast.to_bytes`` wrote."""
    n_tracks, horizon, levels = _SIZES.unpack_from(content)
    at = _SIZES.size
    parts = []
    for kind, count in ((_TRACK_ID, n_tracks), ("<i4", n_tracks), ("<f4", n_tracks), ("<f4", -1)):
        parts.append(np.frombuffer(content, dtype=kind, count=count, offset=at))
        at += parts[-1].nbytes
    track_ids, observed_days, baseline, log_quantiles = parts
    return ChartForecast(
        track_ids=tuple(track_id.decode() for track_id in track_ids.tolist()),
        observed_days=observed_days.astype(np.int64),
        baseline=baseline,
        log_quantiles=log_quantiles.reshape(n_tracks, horizon, levels),
    )


def issue_forecast(
    grid: ChartGrid,
    track_ids: Sequence[str],
    column: int,
    market: MarketCovariates,
    forecaster: Forecaster,
) -> ChartForecast:
    """Forecast every track on one day's chart, as of that day.

    A chart is a batch of its own: its numbers are the same to the bit, whichever others are made with it.

    Args:
        grid: Charts that reach ``forecaster.grid_length`` days back, or to the region's first.
        track_ids: Of the grid's rows.
        column: The day.
        market: The region's shared channels, up to that day at least.
        forecaster: The model.
    """
    tracks = grid.charting(column)
    forecast = forecaster.forecast(grid.history(tracks, column, forecaster.grid_length), market)
    baseline = grid.streams[tracks, column] * grid.chart_weekday_step(column)
    return ChartForecast(
        track_ids=tuple(track_ids[track] for track in tracks),
        observed_days=grid.observed_days(tracks, column),
        baseline=baseline.astype(np.float32),
        log_quantiles=take_logs(forecast.quantiles).astype(np.float32),
    )


class Outcomes:
    """What became of tracks on the days that past forecasts speak of.

    Args:
        track_ids: (tracks,)
        streams: NaN where a track did not chart, or on a day that does not count. (tracks, days)
    """

    def __init__(self, track_ids: Sequence[str], streams: Floats) -> None:
        self._rows = {track_id: row for row, track_id in enumerate(track_ids)}
        self._streams = np.pad(streams, ((0, 1), (0, 0)), constant_values=np.nan)  # the last row: no track

    def after(self, forecast: ChartForecast, column: int) -> Floats:
        """Streams on the days after the one of ``column``. (forecast's tracks, its horizon)"""
        rows = np.array([self._rows.get(track_id, -1) for track_id in forecast.track_ids], dtype=np.int64)
        horizon = forecast.log_quantiles.shape[1]
        streams = self._streams[rows, column + 1 : column + 1 + horizon]
        return np.pad(streams, ((0, 0), (0, horizon - streams.shape[1])), constant_values=np.nan)


def score_forecasts(
    forecasts: Mapping[int, ChartForecast], outcomes: Outcomes, levels: Sequence[float]
) -> Scores:
    """Score forecasts where their actuals are known; a track that left the chart is not scored.

    Args:
        forecasts: By the column of their cutoff.
        outcomes: What became of their tracks.
        levels: The quantile levels of the forecasts.
    """
    actuals = {column: outcomes.after(forecast, column) for column, forecast in forecasts.items()}
    n_cells = sum(int(np.isfinite(actual).sum()) for actual in actuals.values())
    # Filled part by part: parts joined at the end take twice the memory, and the process keeps it.
    horizons, days, groups = (np.empty(n_cells, dtype=np.int64) for _ in range(3))
    values = np.empty((n_cells, len(levels) - 1))
    start = 0
    for column, forecast in forecasts.items():
        part = _score(forecast, column, actuals[column], levels)
        cells = slice(start, start := start + len(part.days))
        horizons[cells], days[cells], groups[cells] = part.horizons, part.days, part.groups
        values[cells] = part.values
    return Scores(horizons, days, groups, values)


def _score(forecast: ChartForecast, column: int, actual: Floats, levels: Sequence[float]) -> Scores:
    tracks, steps = np.nonzero(np.isfinite(actual))
    log_quantiles = forecast.log_quantiles[tracks, steps].astype(float)
    return Scores(
        horizons=steps + 1,
        days=column + 1 + steps,
        groups=find_groups(forecast.observed_days)[tracks],
        values=score_quantiles(log_quantiles, np.log(np.maximum(actual[tracks, steps], 1.0)), levels),
    )


def sum_errors(forecasts: Mapping[int, ChartForecast], outcomes: Outcomes, levels: Sequence[float]) -> Floats:
    """Absolute next-day errors of the model and of ``chart_weekday``, by target day. (days, 2)"""
    middle = list(levels).index(0.5)
    sums = []
    for column, forecast in sorted(forecasts.items()):
        actual = outcomes.after(forecast, column)[:, 0]
        if (known := np.isfinite(actual)).any():
            said = (np.exp(forecast.log_quantiles[:, 0, middle].astype(float)), forecast.baseline)
            sums.append([float(np.abs(values - actual)[known].sum()) for values in said])
    return np.array(sums).reshape(-1, 2)
