"""A stand-in for a model, and what forecasts that feed the next are tried on."""

import datetime as dt

import numpy as np

from app.calendar import build_calendar
from app.forecasting.forecaster import Batch, Forecaster
from app.forecasting.market import Calendar
from app.forecasting.rolling import CALENDAR_AFTER
from app.forecasting.spec import ForecastSpec
from training.panel import Panel

SPEC = ForecastSpec()
CUTOFF = 475  # a day of the long panel


def _run(batch: Batch) -> np.ndarray:
    """Goes on half as far as the track last moved, beyond the market; surer of some days than of others."""
    moved = batch["covariates"][:, -1, SPEC.covariates.index("log_ratio")]
    days = np.arange(1, SPEC.horizon + 1)
    spread = np.array([2.0, 1.0, 1.5, 1.0, 3.0, 1.0, 1.2])
    levels = np.linspace(-1, 1.2, len(SPEC.quantile_levels)) - 0.1
    middle = 0.5 * moved[:, None] / days
    return (middle[:, :, None] + spread[:, None] * levels).astype(np.float32)


FORECASTER = Forecaster(SPEC, _run)


def long_calendar(panel: Panel) -> Calendar:
    """Of the panel's days and those that a forecast may be rolled on to."""
    first, last = panel.days[[0, -1]].tolist()
    return build_calendar("ph", first, last + dt.timedelta(days=CALENDAR_AFTER))
