"""What will move the whole chart over the next days, beyond its weekly rhythm: a forecast of its own.

A chart moves as one on holidays, pay days and at Christmas, and there are few such dates to learn from. So
the *miss* of each day (the market's movement less what the weekly rhythm said) is forecast by a robust
ridge regression that starts from nothing and learns from the region's own past days alone, afresh every
week: with no past it says 0, and no day it has not seen has a part in it. All models build on it.

Source: Hoerl and Kennard, "Ridge Regression", Technometrics 12 (1970); weights of Huber, "Robust Estimation
of a Location Parameter", Annals of Mathematical Statistics 35 (1964).
"""

from dataclasses import dataclass

import numpy as np

from app.forecasting.history import Days, Floats, Ints
from app.forecasting.market import Calendar
from app.forecasting.medians import median_of_known

RIDGE = 3.0
HUBER = 0.03  # a day that is missed by more counts less
FIRST_FORECAST = 90  # days of charts before the regression is listened to
REFIT_DAYS = 7
LAGS = 7
# Inputs are brought to the order of one: flags are mostly 0, misses a few percent.
FLAG_SCALE, MISS_SCALE = 4.0, 30.0


@dataclass(frozen=True)
class Learned:
    """What the regression had learned when the last week of its days began.

    Attributes:
        start: The week's first day.
        moments: Weighted products of the inputs, the ridge included. (horizon, inputs, inputs)
        products: Of the inputs and the targets. (horizon, inputs)
        forecasts: Of the days before ``start``. (horizon, days)
    """

    start: int
    moments: Floats
    products: Floats
    forecasts: Floats


def forecast_misses(miss: Floats, weekly: Floats, calendar: Calendar, horizon: int) -> Floats:
    """What ``learn_misses`` forecasts. (days, horizon)"""
    return learn_misses(miss, weekly, calendar, horizon)[0]


def learn_misses(
    miss: Floats, weekly: Floats, calendar: Calendar, horizon: int, before: Learned | None = None
) -> tuple[Floats, Learned | None]:
    """Forecast how the market will miss its weekly rhythm on each of the days after every day.

    Args:
        miss: Log movement less the rhythm's, NaN where unknown. (days,)
        weekly: Movements 1 to 4 weeks before the day after each row's, NaN where unknown; row d holds
            none after day d + 1 - 7. (at least days + horizon - 1, 4)
        calendar: Of the days and at least ``horizon`` + 1 after them.
        horizon: Days ahead, at most 7.
        before: What was learned on these days without the last ones: it goes on from there, to the same end.

    Returns:
        Forecasts, row d made from days up to d and calendar facts (days, horizon); what was learned, None
        in the first week.
    """
    n_days = len(miss)
    facts = _calendar_inputs(calendar)
    inputs = np.stack([_build_inputs(miss, weekly, calendar, facts, h) for h in range(1, horizon + 1)])
    padded = np.concatenate([miss, np.full(horizon, np.nan)])
    targets = np.stack([padded[ahead : ahead + n_days] for ahead in range(1, horizon + 1)])
    forecasts, learned = _learn_as_days_pass(inputs, targets, before)
    return forecasts.T, learned


def _learn_as_days_pass(
    inputs: Floats, targets: Floats, before: Learned | None
) -> tuple[Floats, Learned | None]:
    """Forecast each week with what was known when it began. All by horizon, then day."""
    horizon, n_days, n_inputs = inputs.shape
    forecasts = np.zeros((horizon, n_days))
    first, learned, ahead = REFIT_DAYS, before, np.arange(horizon)[:, None]
    if before is None:
        moments = np.tile(RIDGE * np.eye(n_inputs), (horizon, 1, 1))
        products = np.zeros((horizon, n_inputs))
    else:
        first, moments, products = before.start, before.moments.copy(), before.products.copy()
        forecasts[:, :first] = before.forecasts
    for start in range(first, n_days, REFIT_DAYS):
        if start + REFIT_DAYS >= n_days:
            learned = Learned(start, moments.copy(), products.copy(), forecasts[:, :start].copy())
        # Of h days ahead the rows up to start - h are known on day ``start``.
        rows = start - REFIT_DAYS - ahead + np.arange(REFIT_DAYS)
        new, target = inputs[ahead, np.maximum(rows, 0)], targets[ahead, np.maximum(rows, 0)]
        known = np.isfinite(target) & (rows >= 0)
        error = np.abs(np.where(known, target - forecasts[ahead, np.maximum(rows, 0)], 0.0))
        weighted = new * (known * np.minimum(1.0, HUBER / np.maximum(error, HUBER)))[:, :, None]
        moments += weighted.transpose(0, 2, 1) @ new
        products += (weighted * np.where(known, target, 0.0)[:, :, None]).sum(axis=1)
        if start >= FIRST_FORECAST:
            weights = np.linalg.solve(moments, products[:, :, None])
            forecasts[:, start : start + REFIT_DAYS] = (inputs[:, start : start + REFIT_DAYS] @ weights)[
                ..., 0
            ]
    return forecasts, learned


def _build_inputs(miss: Floats, weekly: Floats, calendar: Calendar, facts: Floats, ahead: int) -> Floats:
    """The regression's inputs for the day ``ahead`` days after each day. (days, inputs)"""
    n_days = len(miss)
    known = np.where(np.isfinite(miss), miss, 0.0)
    lagged = np.stack([_lag(known, lag) for lag in range(LAGS)], axis=1)
    of_target = weekly[ahead - 1 : ahead - 1 + n_days]
    centre = np.nan_to_num(median_of_known(of_target))
    misses = [
        np.nan_to_num(of_target - centre[:, None]),
        lagged,
        lagged.sum(axis=1, keepdims=True),
        _lag(known, LAGS - ahead)[:, None],  # the target's weekday, a week before it
        _memories(miss, calendar, ahead),
    ]
    flags = facts[ahead : ahead + n_days]
    return np.concatenate([MISS_SCALE * np.concatenate(misses, axis=1), FLAG_SCALE * flags], axis=1)


def _lag(values: Floats, days: int) -> Floats:
    return np.concatenate([np.zeros(days), values])[: len(values)]


def _calendar_inputs(calendar: Calendar) -> Floats:
    """Facts of each day of the calendar but the last. (days, facts)"""
    days = calendar.days[:-1]
    holiday = (calendar.holidays > 0).astype(float)
    before, on, after = np.concatenate([[0.0], holiday[:-2]]), holiday[:-1], holiday[1:]
    workday = ((days.astype(np.int64) + 3) % 7 < 5).astype(float)  # 1970-01-01 was a Thursday
    facts = [before, on, after, on * workday, before * workday, *_season_inputs(days)]
    return np.stack(facts, axis=1)


def _season_inputs(days: Days) -> list[Floats]:
    months = days.astype("datetime64[M]")
    month = months.astype(int) % 12 + 1
    day_of_month = (days - months.astype("datetime64[D]")).astype(int) + 1
    last = days + 1 == (months + 1).astype("datetime64[D]")
    to_christmas = (
        (days.astype("datetime64[Y]").astype("datetime64[M]") + 11).astype("datetime64[D]") + 24
    ) - days
    ahead = to_christmas.astype(int)
    december, january = month == 12, month == 1
    facts = [
        day_of_month == 1,
        day_of_month == 15,
        day_of_month == 16,
        (day_of_month == 30) | last,
        ahead == 1,
        ahead == 0,
        ahead == -1,
        december & (day_of_month >= 27) & (day_of_month <= 30),
        december & (day_of_month == 31),
        january & (day_of_month == 1),
        january & (day_of_month == 2),
        np.where((ahead >= 0) & (ahead < 60), 1 - ahead / 60, 0.0),
        np.where((ahead >= 0) & (ahead < 14), 1 - ahead / 14, 0.0),
        np.where((ahead < 0) & (ahead > -14), 1 + ahead / 14, 0.0),
        np.where(january & (day_of_month <= 14), 1 - day_of_month / 14, 0.0),
    ]
    return [np.asarray(fact, dtype=float) for fact in facts]


def _memories(miss: Floats, calendar: Calendar, ahead: int) -> Floats:
    """How the market missed on past occurrences of the target's holiday, and a year before it. (days, 2)"""
    total, count = sum_past_events(miss, number_events(calendar), ahead)
    last_year = value_a_year_before(miss, calendar.days[ahead : ahead + len(miss)], calendar.days[0])
    return np.stack([total / (count + 1), np.nan_to_num(last_year)], axis=1)  # the first shrunk towards 0


def sum_past_events(miss: Floats, events: Ints, ahead: int) -> tuple[Floats, Ints]:
    """The misses up to each day, on days that were what the day ``ahead`` days after it is: sum and number.

    Args:
        miss: NaN where unknown. (days,)
        events: Of ``number_events``. (at least days + ``ahead``,)
        ahead: Days.
    """
    n_days, span = len(miss), len(events)
    places = np.sort(events).searchsorted(events) * span  # of each event one, so that events lie apart
    known = np.flatnonzero((events[:n_days] != 0) & np.isfinite(miss))
    keys = places[known] + known
    order = np.argsort(keys)
    keys, totals = keys[order], np.concatenate([[0.0], miss[known][order].cumsum()])
    wanted = places[ahead : ahead + n_days]
    begin, end = keys.searchsorted(wanted), keys.searchsorted(wanted + np.arange(n_days), side="right")
    return totals[end] - totals[begin], end - begin


def number_events(calendar: Calendar) -> Ints:
    """A number for what each day is: a holiday, else the day after one, else the day before one; 0 none."""
    holiday = calendar.holidays
    after = np.concatenate([[0], holiday[:-1]])
    before = np.concatenate([holiday[1:], [0]])
    # The numbers stay distinct: a holiday's own is positive, the day after it the complement, and so on.
    return np.where(
        holiday > 0, holiday, np.where(after > 0, -after, np.where(before > 0, -before - 2**61, 0))
    )


def value_a_year_before(values: Floats, days: Days, first_day: np.datetime64) -> Floats:
    """Each day's value on the same date of the year before; NaN where that is unknown or 29 February."""
    months = days.astype("datetime64[M]")
    day_of_month = days - months.astype("datetime64[D]")
    year_before = (months - 12).astype("datetime64[D]") + day_of_month
    same_month = year_before.astype("datetime64[M]") == months - 12
    index = (year_before - first_day).astype(int)
    known = same_month & (index >= 0) & (index < len(values))
    return np.where(known, values[np.clip(index, 0, len(values) - 1)], np.nan)
