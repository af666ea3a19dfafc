"""Forecasts of up to 28 days: short ones that feed the next, with intervals from sample paths.

Days 1 to 7 are the first week (``recursion``). Their medians are appended to the history as if they had come,
and the model forecasts on from there, 7 days at a time, over the market as the chart is forecast to move.
"""

import numpy as np

from app.forecasting.calibration import SMALLEST_LOG_STREAMS, calibrate, take_logs
from app.forecasting.forecaster import LARGEST_LOG_STREAMS, Forecast, Forecaster
from app.forecasting.history import Floats, History, Ints
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.rolling import roll_history
from app.forecasting.sample_paths import SamplePaths

# What bounds of these levels are stretched by in the second, third and fourth week, beyond what sample paths
# say: shocks have heavier tails than two levels show. Measured on one validation period, never under 1
# (python -m training long-range --choose).
STRETCHED = (0.75, 0.9, 0.975)
STRETCH = np.array([[1.0, 1.0, 1.03], [1.0, 1.0, 1.2], [1.0, 1.03, 1.3]])


def roll(
    forecaster: Forecaster,
    history: History,
    market: MarketCovariates,
    head: Forecast,
    *,
    horizon: int,
    scores: Floats,
    observed_days: Ints,
    factors: Floats | None,
    stretch: Floats = STRETCH,
) -> Forecast:
    """Forecast on from the first week.

    Args:
        forecaster: The model.
        history: What the first week was forecast from.
        market: Of ``roll_chart``, for the cutoff of all tracks.
        head: The first week's forecast, calibrated: the first days of what comes back, to the bit.
        horizon: Days ahead, at most ``MAX_HORIZON``.
        scores: Of ``draw_scores``, for ``count_blocks``. (tracks, blocks, paths)
        observed_days: At the cutoff. (tracks,)
        factors: What the model's bounds are stretched by (``fit_factors``), whichever day it speaks from;
            None where there is nothing to go by.
        stretch: Of the bounds in each later week. (weeks, ``STRETCHED``)

    Returns:
        Quantiles nest and hold the median; in log streams none is nearer to it than on a day before.
    """
    levels = head.quantile_levels
    paths = SamplePaths(scores, levels)
    median, gaps = _split(head)
    paths.add(gaps)
    parts, widest = [head.quantiles], _never_narrower(gaps, levels)[:, -1:]
    while (made := len(parts) * median.shape[1]) < horizon:
        history = roll_history(history, np.exp(median))
        forecast = forecaster.forecast(history, market)
        if factors is not None:
            forecast = calibrate(forecast, observed_days + made, factors)
        median, gaps = _split(forecast)
        weeks = (made + np.arange(median.shape[1])) // 7 - 1
        drawn = paths.add(gaps) * _by_level(stretch, levels)[np.maximum(weeks, 0)]
        widths = _never_narrower(np.concatenate([widest, drawn], axis=1), levels)[:, 1:]
        widest = widths[:, -1:]
        logs = np.clip(median[:, :, None] + widths, SMALLEST_LOG_STREAMS, LARGEST_LOG_STREAMS)
        parts.append(np.exp(logs))
    return Forecast(np.concatenate(parts, axis=1)[:, :horizon], levels)


def _split(forecast: Forecast) -> tuple[Floats, Floats]:
    """Log medians (tracks, days), and how far each quantile lies from them (tracks, days, levels)."""
    logs = take_logs(forecast.quantiles)
    median = logs[:, :, forecast.quantile_levels.index(0.5)]
    return median, logs - median[:, :, None]


def _by_level(stretch: Floats, levels: tuple[float, ...]) -> Floats:
    """The stretch of each level's bound, on straight lines between those measured. (weeks, levels)"""
    tails = np.maximum(levels, 1 - np.array(levels))
    return np.array([np.interp(tails, STRETCHED, of_week) for of_week in stretch])


def _never_narrower(gaps: Floats, levels: tuple[float, ...]) -> Floats:
    """Each bound on its side of the median, as far from it as on any day before. (tracks, days, levels)"""
    sides = np.sign(np.array(levels) - 0.5)
    widths: Floats = sides * np.maximum.accumulate(np.maximum(sides * gaps, 0.0), axis=1)
    return widths
