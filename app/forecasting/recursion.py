"""Days 2 to 7: what a model says of them directly, drawn towards what it says one day at a time.

One day at a time it sees each day's weekday, holidays and own rhythm as it sees tomorrow's, and its errors
add up; all at once it sees them from afar. Between the two lies less error than at either.

Source: Ben Taieb, Bontempi, Atiya and Sorjamaa, "A review and comparison of strategies for multi-step ahead
time series forecasting", Expert Systems with Applications 39 (2012).
"""

import numpy as np

from app.forecasting.calibration import take_logs
from app.forecasting.forecaster import LARGEST_LOG_STREAMS, Forecast, Forecaster
from app.forecasting.history import Floats, History
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.rolling import roll_history
from app.forecasting.spec import ForecastSpec

# How much of the way, in log streams, each day after the first goes from the direct forecast to the recursive
# one. Chosen on the validation periods of all folds (python -m training backtest).
SHARE = 2 / 3
# Of newer tracks (observed days) a model that knows metadata says more at once: day by day they fade.
NEW_BEFORE = 7


def blend_with_recursive(
    forecaster: Forecaster, history: History, market: MarketCovariates, direct: Forecast, horizon: int
) -> Forecast:
    """Move days 2 to ``horizon`` of a direct forecast towards the recursive one, with their quantiles.

    Args:
        forecaster: The model.
        history: What ``direct`` was made from.
        market: Of ``roll_chart``, at least ``horizon`` - 1 days beyond the cutoff of all tracks.
        direct: The model's own forecast.
        horizon: Days ahead, at most those of ``direct``.

    Returns:
        Day 1, days after ``horizon``, and tracks of no share are as they were, to the bit.
    """
    recursive = forecast_day_by_day(forecaster, history, market, direct.median[:, :1], horizon)
    quantiles = direct.quantiles.copy()
    shifts = find_shifts(direct.median[:, :horizon], recursive, find_shares(forecaster.spec, history))
    quantiles[:, :horizon] *= np.exp(shifts)[:, :, None]
    return Forecast(np.minimum(quantiles, np.exp(LARGEST_LOG_STREAMS)), direct.quantile_levels)


def forecast_day_by_day(
    forecaster: Forecaster, history: History, market: MarketCovariates, first: Floats, horizon: int
) -> Floats:
    """The recursive forecast: each day's median made as if those before it had come. (tracks, horizon)

    Args:
        forecaster: The model.
        history: Up to the cutoff.
        market: As for ``blend_with_recursive``.
        first: The first day's. (tracks, 1)
        horizon: Days ahead.
    """
    days = [first]
    for _ in range(1, horizon):
        history = roll_history(history, days[-1])
        days.append(forecaster.forecast(history, market).median[:, :1])
    return np.concatenate(days, axis=1)


def find_shares(spec: ForecastSpec, history: History) -> Floats:
    """How much of the way each track's forecast goes towards the recursive one. (tracks,)"""
    knows_metadata = bool(spec.static_covariates or spec.artist_covariates)
    observed_days = history.observed_before + np.isfinite(history.streams).sum(axis=1)
    return np.where(knows_metadata & (observed_days < NEW_BEFORE), 0.0, SHARE)


def find_shifts(direct: Floats, recursive: Floats, shares: Floats) -> Floats:
    """How far each day of a direct forecast is moved, in log streams; 0 the first.

    Args:
        direct: Medians. (tracks, days)
        recursive: Likewise.
        shares: Of ``find_shares``. (tracks,)
    """
    shifts: Floats = shares[:, None] * (take_logs(recursive) - take_logs(direct))
    shifts[:, 0] = 0.0
    return shifts
