"""Days that are yet to come, taken as they are forecast: what a later forecast is made from.

Medians are appended to the histories as if they had come; the whole chart's are too, and how they move is the
market's movement.

Source: Li, Li, Li and Lin, "LSTM-RPA: A Simple but Effective Long Sequence Prediction Algorithm for Music
Popularity Prediction", arXiv 2110.15790 (2021).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from app.forecasting.calibration import take_logs
from app.forecasting.forecaster import Forecaster
from app.forecasting.history import Floats, History
from app.forecasting.market import Calendar, Market
from app.forecasting.market_covariates import DAYS_AFTER, MarketBuilder, MarketCovariates
from app.forecasting.medians import median_of_known
from app.forecasting.spec import ForecastSpec

MAX_HORIZON = 28
CALENDAR_AFTER = MAX_HORIZON + DAYS_AFTER  # the days after the cutoff that the calendar must hold


def count_blocks(spec: ForecastSpec) -> int:
    """How many forecasts of a model, one after the other, reach ``MAX_HORIZON``."""
    return -(-MAX_HORIZON // spec.horizon)


def days_at_a_time(spec: ForecastSpec) -> tuple[int, ...]:
    """How many days each forecast adds to a market: the first week's one by one, then week by week.

    As far as forecasts up to ``MAX_HORIZON`` are made from: the last of them adds none.
    """
    return (1,) * spec.horizon + (spec.horizon,) * (count_blocks(spec) - 2)


class RolledChart(NamedTuple):
    """A chart taken as it is forecast.

    Attributes:
        market: The shared channels of the days up to the cutoff and of those after it.
        medians: Of the days after it, as they were appended. (tracks, days)
    """

    market: MarketCovariates
    medians: Floats


def roll_chart(
    forecaster: Forecaster, chart: History, market: Market, calendar: Calendar, steps: Sequence[int]
) -> RolledChart:
    """Take a region's chart, and with it the market, as they are forecast to go on.

    Args:
        forecaster: The model.
        chart: Every track on the last chart; grids of ``forecaster.grid_length`` days up to the cutoff.
        market: Up to the cutoff.
        calendar: Of its days and at least ``CALENDAR_AFTER`` more.
        steps: How many days each forecast adds, the next one being made from them too (``days_at_a_time``).
    """
    builder = MarketBuilder(calendar)
    covariates = builder.build(market)
    days = []
    for n_days in steps:
        medians = forecaster.forecast(chart, covariates).median[:, :n_days]
        market = extend_market(market, _movement(chart, medians))
        chart = roll_history(chart, medians)
        days.append(medians)
        covariates = builder.build(market)
    return RolledChart(covariates, np.concatenate(days, axis=1))


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
