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

# How much of the way, in log streams, each day after the first goes from the direct forecast to the recursive
# one. Chosen on the validation periods of all folds (python -m training backtest).
SHARE = 2 / 3


def blend_with_recursive(
    forecaster: Forecaster, history: History, market: MarketCovariates, direct: Forecast, horizon: int
) -> Forecast:
    """Move days 2 to ``horizon`` of a direct forecast towards the recursive one, with their quantiles.

    Args:
        forecaster: The model.
        history: What ``direct`` was made from.
        market: Of ``roll_market``, at least ``horizon`` - 1 days beyond the cutoff of all tracks.
        direct: The model's own forecast.
        horizon: Days ahead, at most those of ``direct``.

    Returns:
        Day 1, and days after ``horizon``, are as they were, to the bit.
    """
    quantiles = direct.quantiles.copy()
    quantiles[:, :horizon] *= np.exp(find_shifts(forecaster, history, market, direct, horizon))[:, :, None]
    return Forecast(np.minimum(quantiles, np.exp(LARGEST_LOG_STREAMS)), direct.quantile_levels)


def find_shifts(
    forecaster: Forecaster, history: History, market: MarketCovariates, direct: Forecast, horizon: int
) -> Floats:
    """How far, in log streams, ``blend_with_recursive`` moves each day; 0 the first. (tracks, horizon)"""
    log_direct = take_logs(direct.median[:, :horizon])
    shifts = np.zeros_like(log_direct)
    medians = direct.median[:, :1]
    for day in range(1, horizon):
        history = roll_history(history, medians)
        medians = forecaster.forecast(history, market).median[:, :1]
        shifts[:, day] = SHARE * (take_logs(medians[:, 0]) - log_direct[:, day])
    return shifts
