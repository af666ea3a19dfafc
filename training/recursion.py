"""Days 2 to 7 of a backtest as the service gives them: the direct forecast, moved to the recursive one."""

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from app.calendar import build_calendar
from app.forecasting.forecaster import Forecaster
from app.forecasting.history import Floats, History, Ints
from app.forecasting.market import Calendar, Market
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.recursion import find_shares, find_shifts
from app.forecasting.rolling import CALENDAR_AFTER, days_at_a_time, roll_chart
from training.panel import Panel


def shift_column(name: str) -> str:
    """The column that says how far a model's forecasts are moved, in log streams."""
    return f"{name} shift"


def recursive_column(name: str) -> str:
    """The column of a model's recursive forecast, in streams."""
    return f"{name} recursive"


def move_forecasts(
    cells: pd.DataFrame, panel: Panel, forecasters: Mapping[str, Forecaster], first: np.datetime64
) -> pd.DataFrame:
    """Move the point forecasts (column ``name``) as the service does.

    The quantiles (``name@level``) stay the model's own: intervals are calibrated on those, and moved then.

    Args:
        cells: Of one region, with the models' direct forecasts.
        panel: Its charts.
        forecasters: By their name in the cells.
        first: The first cutoff to move forecasts of; those before it are there to calibrate on.

    Returns:
        The cells with columns ``shift_column`` and ``recursive_column``; where nothing is moved (the first
        day, and cutoffs before ``first``) they are 0 and the direct forecast.
    """
    counts = ((cells["date"] >= first) & (cells["horizon"] > 1)).to_numpy()
    shifts = {name: np.zeros(len(cells)) for name in forecasters}
    recursive = {name: cells[name].to_numpy(copy=True) for name in forecasters}
    calendar, cutoffs = long_calendar(panel), cells["cutoff"].to_numpy()
    for cutoff in np.unique(cutoffs[counts]).tolist():
        rows = np.flatnonzero(counts & (cutoffs == cutoff))
        steps = cells["horizon"].to_numpy()[rows] - 1
        tracks = np.flatnonzero(np.isfinite(panel.streams[:, cutoff]))
        places = np.searchsorted(tracks, cells["track"].to_numpy()[rows]), steps
        for name, forecaster in forecasters.items():
            horizon = int(steps.max()) + 1
            streams, moved = _forecast_chart(panel, forecaster, tracks, cutoff, calendar, horizon=horizon)
            recursive[name][rows], shifts[name][rows] = streams[places], moved[places]
    return cells.assign(
        **{shift_column(name): of for name, of in shifts.items()},
        **{recursive_column(name): of for name, of in recursive.items()},
        **{name: cells[name] * np.exp(of) for name, of in shifts.items()},
    )


def _forecast_chart(
    panel: Panel, forecaster: Forecaster, tracks: Ints, cutoff: int, calendar: Calendar, *, horizon: int
) -> tuple[Floats, Floats]:
    """What a model says of a day's whole chart day by day, and how far that moves what it says at once.

    Both (tracks, horizon): in streams, and in log streams.
    """
    history = panel.history(tracks, np.full(len(tracks), cutoff), forecaster.grid_length)
    direct = forecaster.forecast(history, panel.covariates).median[:, :horizon]
    steps = (1,) * horizon
    recursive = roll_chart(forecaster, history, market_until(panel, cutoff), calendar, steps).medians
    return recursive, find_shifts(direct, recursive, find_shares(forecaster.spec, history))


def roll_panel(panel: Panel, forecaster: Forecaster, chart: History, cutoff: int) -> MarketCovariates:
    """The market as the service rolls it on from a day whose chart is ``chart``."""
    steps = days_at_a_time(forecaster.spec)
    return roll_chart(forecaster, chart, market_until(panel, cutoff), long_calendar(panel), steps).market


def market_until(panel: Panel, cutoff: int) -> Market:
    """The market as it was known on a day."""
    market, known = panel.market, slice(cutoff + 1)
    return Market(market.days[known], market.movement[known], market.threshold[known])


def long_calendar(panel: Panel) -> Calendar:
    """The panel's calendar, as far as a forecast from its last day is rolled on."""
    first, last = panel.days[[0, -1]].tolist()
    return build_calendar(panel.region, first, last + dt.timedelta(days=CALENDAR_AFTER))
