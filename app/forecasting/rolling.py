"""Forecasts of up to 28 days: short ones that feed the next, with intervals from sample paths.

Days 1 to 7 are the model's direct forecast. Its medians are appended to the history as if they had come, and
the model forecasts on from there, 7 days at a time; so are the whole chart's, whose movement is the market's.

Source: Li, Li, Li and Lin, "LSTM-RPA: A Simple but Effective Long Sequence Prediction Algorithm for Music
Popularity Prediction", arXiv 2110.15790 (2021).
"""

from dataclasses import replace

import numpy as np

from app.forecasting.calibration import SMALLEST_LOG_STREAMS, calibrate, take_logs
from app.forecasting.forecaster import LARGEST_LOG_STREAMS, Forecast, Forecaster
from app.forecasting.history import Floats, History, Ints
from app.forecasting.market import Calendar, Market
from app.forecasting.market_covariates import DAYS_AFTER, MarketCovariates, build_market_covariates
from app.forecasting.medians import median_of_known
from app.forecasting.sample_paths import SamplePaths
from app.forecasting.spec import ForecastSpec

MAX_HORIZON = 28
# What bounds of these levels are stretched by in the second, third and fourth week, beyond what sample paths
# say: shocks have heavier tails than two levels show. Measured on one validation period, never under 1
# (python -m training long-range --choose).
STRETCHED = (0.75, 0.9, 0.975)
STRETCH = np.array([[1.0, 1.0, 1.04], [1.0, 1.0, 1.23], [1.0, 1.04, 1.32]])
CALENDAR_AFTER = MAX_HORIZON + DAYS_AFTER  # the days after the cutoff that the calendar must hold


def count_blocks(spec: ForecastSpec) -> int:
    """How many forecasts of a model, one after the other, reach ``MAX_HORIZON``."""
    return -(-MAX_HORIZON // spec.horizon)


def roll_market(
    forecaster: Forecaster, chart: History, market: Market, calendar: Calendar, *, blocks: int | None = None
) -> MarketCovariates:
    """The shared channels of a region's days, and of those after them as its chart is forecast to move.

    Args:
        forecaster: The model.
        chart: Every track on the last chart; grids of ``forecaster.grid_length`` days up to the cutoff.
        market: Up to the cutoff.
        calendar: Of its days and at least ``CALENDAR_AFTER`` more.
        blocks: How many forecasts to add; by default as many as lie before the last of ``roll``.
    """
    covariates = build_market_covariates(market, calendar)
    for _ in range(count_blocks(forecaster.spec) - 1 if blocks is None else blocks):
        medians = forecaster.forecast(chart, covariates).median
        market = extend_market(market, _movement(chart, medians))
        chart = roll_history(chart, medians)
        covariates = build_market_covariates(market, calendar)
    return covariates


def _movement(chart: History, medians: Floats) -> Floats:
    """The chart's median log movement on each day that is forecast; none without a track. (days,)"""
    if not len(chart):
        return np.zeros(medians.shape[1])
    last = np.maximum(_last_known(chart.streams), 1.0)
    steps = np.diff(take_logs(medians), axis=1, prepend=np.log(last)[:, None])
    return median_of_known(steps.T)


def extend_market(market: Market, log_movement: Floats) -> Market:
    """The market with days after its last on which it moves so; the smallest streams move with it."""
    known = market.threshold[np.isfinite(market.threshold)]
    threshold = (known[-1] if len(known) else np.nan) * np.exp(log_movement.cumsum())
    return Market(
        days=np.append(market.days, market.days[-1] + np.arange(1, len(log_movement) + 1)),
        movement=np.append(market.movement, np.exp(log_movement)),
        threshold=np.append(market.threshold, threshold),
    )


def roll_history(history: History, streams: Floats) -> History:
    """The histories as they will be if ``streams`` come.

    A track keeps its last position, and its artist's other tracks stay; none of those is new any more.

    Args:
        history: Grids that end on the cutoffs.
        streams: Of the days after. (tracks, days)
    """
    n_days = streams.shape[1]
    gone = np.isfinite(history.streams[:, :n_days]).sum(axis=1)
    companions = np.repeat(history.companions[:, -1:] * np.array([1, 0], np.float32), n_days, axis=1)
    positions = np.repeat(_last_known(history.positions)[:, None], n_days, axis=1)
    return replace(
        history,
        cutoffs=history.cutoffs + n_days,
        streams=np.concatenate([history.streams[:, n_days:], streams], axis=1),
        positions=np.concatenate([history.positions[:, n_days:], positions], axis=1),
        observed_before=history.observed_before + gone,
        companions=np.concatenate([history.companions[:, n_days:], companions], axis=1),
    )


def _last_known(values: Floats) -> Floats:
    known = np.isfinite(values)
    last: Floats = values[np.arange(len(values)), known.shape[1] - 1 - known[:, ::-1].argmax(axis=1)]
    return last


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
    """Forecast on from a direct forecast.

    Args:
        forecaster: The model.
        history: What the direct forecast was made from.
        market: Of ``roll_market``, for the cutoff of all tracks.
        head: The direct forecast, calibrated: the first days of what comes back, to the bit.
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
