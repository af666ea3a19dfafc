"""The channels that all tracks of a region share on a day: its market, its weekly rhythm, its calendar.

Row d of every channel is made from day d and earlier, and from calendar facts of the days after it. So
one table serves every cutoff: a forecast made on day d reads rows up to d and no further.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Days, Floats, Ints
from app.forecasting.market import WEEKS, Calendar, Market
from app.forecasting.market_forecast import (
    Learned,
    learn_misses,
    number_events,
    sum_past_events,
    value_a_year_before,
)
from app.forecasting.medians import median_of_known
from app.forecasting.scaling import scale_log_ratio

HORIZON = 7  # the days ahead that the weekly rhythm speaks of
LARGEST_THRESHOLD_STEP = 1.5  # log streams from its last week's median; the real chart's largest is 0.31
DAYS_AFTER = HORIZON + 1  # the days after the market's last that the calendar must hold


@dataclass(frozen=True)
class MarketCovariates:
    """Shared channels of consecutive days, and what the forecast is built on.

    Attributes:
        first_day: The day of row 0.
        names: The channels, in the order of the table's columns.
        table: The channels, then a row of zeros for days before the first. (days + 1, channels)
        movement: The market's log movement since the day before, 0 where unknown. (days,)
        rhythm: Expected log movement over the next 1 to 7 days by the last four weeks, then a row of
            zeros. (days + 1, 7)
        log_threshold: Log of the chart's smallest streams, carried forward, held near its last week's
            median. (days,)
    """

    first_day: np.datetime64
    names: tuple[str, ...]
    table: NDArray[np.float32]
    movement: Floats
    rhythm: Floats
    log_threshold: Floats

    def __len__(self) -> int:
        return len(self.movement)

    @cached_property
    def first_day_number(self) -> int:
        """Days from 1970-01-01 to row 0."""
        return int(self.first_day.astype(np.int64))

    @cached_property
    def cumulative_movement(self) -> Floats:
        """The movement of all days up to each row's, summed; then 0 for days before the first. (days + 1,)"""
        return np.append(self.movement.cumsum(), 0.0)

    def last(self, n_days: int) -> "MarketCovariates":
        """Its last days alone, or all where there are fewer."""
        start = max(len(self) - n_days, 0)
        return replace(
            self,
            first_day=self.first_day + start,
            table=self.table[start:].copy(),  # a view would keep the whole
            movement=self.movement[start:].copy(),
            rhythm=self.rhythm[start:].copy(),
            log_threshold=self.log_threshold[start:].copy(),
        )


def build_market_covariates(market: Market, calendar: Calendar) -> MarketCovariates:
    """Make the shared channels of every day of ``market``: ``MarketBuilder`` for one market.

    Raises:
        ValueError: the calendar does not begin with the market's first day, or ends too soon after its last.
    """
    return MarketBuilder(calendar).build(market)


class MarketBuilder:
    """Makes the shared channels of a market, and of the same market as days are added to it.

    Args:
        calendar: From the market's first day on.
    """

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._learned: Learned | None = None  # on the market of the last call

    def build(self, market: Market) -> MarketCovariates:
        """Make the channels of every day of a market that begins as that of the last call did.

        Raises:
            ValueError: the calendar does not begin with the market's first day, or ends too soon.
        """
        n_days, days = len(market.days), self._calendar.days
        if days[0] != market.days[0] or len(days) < n_days + DAYS_AFTER:
            raise ValueError(f"the calendar must span the market's days and {DAYS_AFTER} days after them")
        covariates, self._learned = _build(market, self._calendar, self._learned)
        return covariates


def _build(
    market: Market, calendar: Calendar, learned: Learned | None
) -> tuple[MarketCovariates, Learned | None]:
    n_days = len(market.days)
    with np.errstate(divide="ignore", invalid="ignore"):
        movement = np.log(market.movement)
    weekly = weekly_movements(movement)  # of the day after each row's
    step = _nan_to_zero(median_of_known(weekly))
    miss = movement - np.concatenate([[0.0], step[: n_days - 1]])
    expected, learned = learn_misses(miss, weekly, calendar, HORIZON, learned)
    surprise = miss - np.concatenate([[0.0], expected[: n_days - 1, 0]])
    channels = {
        "market_movement": scale_log_ratio(_nan_to_zero(movement)),
        "market_known": np.isfinite(movement).astype(float),
        "market_miss": scale_log_ratio(_nan_to_zero(miss)),
        "market_surprise": scale_log_ratio(_nan_to_zero(surprise)),
        **_rhythm_channels(weekly[:n_days], step[:n_days]),
        "market_forecast": scale_log_ratio(expected[:, 0]),
        "market_forecast_week": scale_log_ratio(expected.sum(axis=1)),
        **_calendar_channels(calendar, n_days),
        **_memory_channels(miss, calendar, n_days),
    }
    rhythm = np.stack([step[h : h + n_days] for h in range(HORIZON)], axis=1).cumsum(axis=1)
    covariates = MarketCovariates(
        first_day=market.days[0],
        names=tuple(channels),
        table=np.pad(np.stack(list(channels.values()), axis=1), ((0, 1), (0, 0))).astype(np.float32),
        movement=_nan_to_zero(movement),
        rhythm=np.pad(rhythm, ((0, 1), (0, 0))),
        log_threshold=_log_threshold(market.threshold),
    )
    return covariates, learned


def weekly_movements(movement: Floats) -> Floats:
    """Movements 1 to 4 weeks before the day after each row's, for each row and 6 rows more.

    Row d holds days d + 1 - 7k: at most day d - 6, so even row n + 5 reads nothing after day n - 1.
    """
    padded = np.concatenate([np.full(7 * WEEKS, np.nan), movement])
    n_rows = len(movement) + HORIZON - 1
    return np.stack([padded[7 * WEEKS + 1 - 7 * k :][:n_rows] for k in range(1, WEEKS + 1)], axis=1)


def _rhythm_channels(weekly: Floats, step: Floats) -> dict[str, Floats]:
    known = np.isfinite(weekly)
    count = known.sum(axis=1)
    mean = np.where(known, weekly, 0.0).sum(axis=1) / np.maximum(count, 1)
    return {
        "chart_weekday": scale_log_ratio(step),
        "chart_weekday_last": scale_log_ratio(_nan_to_zero(weekly[:, 0])),
        "chart_weekday_mean": scale_log_ratio(mean),
        "chart_weekday_count": count / WEEKS,
    }


def _calendar_channels(calendar: Calendar, n_days: int) -> dict[str, Floats]:
    tomorrow = calendar.days[1 : n_days + 1]
    weekday = (tomorrow.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    holiday = (calendar.holidays > 0).astype(float)
    channels = {f"weekday_{name}": (weekday == i).astype(float) for i, name in enumerate(names)}
    channels["holiday_today"] = holiday[:n_days]
    channels |= {f"holiday_{step}": holiday[step : step + n_days] for step in range(1, HORIZON + 1)}
    return channels | _season_channels(tomorrow)


def _season_channels(day: Days) -> dict[str, Floats]:
    month_start = day.astype("datetime64[M]")
    day_of_month = (day - month_start).astype(int) + 1
    last_of_month = day + 1 == (month_start + 1).astype("datetime64[D]")
    month = month_start.astype(int) % 12 + 1
    year = day.astype("datetime64[Y]")
    christmas = (year.astype("datetime64[M]") + 11).astype("datetime64[D]") + 24
    ahead = (christmas - day).astype(int)  # negative from the 26th on
    return {
        "christmas_far": np.where(ahead >= 0, np.clip(1 - ahead / 60, 0, 1), 0.0),
        "christmas_near": np.where(ahead >= 0, np.clip(1 - ahead / 14, 0, 1), 0.0),
        "christmas_eve": (ahead == 1).astype(float),
        "christmas_day": (ahead == 0).astype(float),
        "christmas_past": _christmas_past(ahead, month, day_of_month),
        "new_year_eve": ((month == 12) & (day_of_month == 31)).astype(float),
        "new_year_day": ((month == 1) & (day_of_month == 1)).astype(float),
        "month_end": last_of_month.astype(float),
        "mid_month": (day_of_month == 15).astype(float),
    }


def _christmas_past(ahead: Ints, month: Ints, day_of_month: Ints) -> Floats:
    """1 on the 26th of December, falling to 0 a fortnight later."""
    days_past = np.where(month == 1, day_of_month + 6, -ahead)
    return np.where((ahead < 0) | (month == 1), np.clip(1 - (days_past - 1) / 14, 0, 1), 0.0)


def _memory_channels(miss: Floats, calendar: Calendar, n_days: int) -> dict[str, Floats]:
    """How the market missed its weekly rhythm on past occurrences of tomorrow's holiday, and a year ago."""
    total, count = sum_past_events(miss, number_events(calendar), 1)
    last_year = value_a_year_before(miss, calendar.days[1 : n_days + 1], calendar.days[0])
    return {
        "holiday_memory": scale_log_ratio(total / np.maximum(count, 1)),
        "holiday_memory_count": np.minimum(count, 4) / 4,
        "last_year_miss": scale_log_ratio(_nan_to_zero(last_year)),
        "last_year_known": np.isfinite(last_year).astype(float),
    }


def _log_threshold(threshold: Floats) -> Floats:
    """The smallest streams set every track's level: one bad row must not move the whole chart."""
    with np.errstate(divide="ignore", invalid="ignore"):
        known = np.where(threshold > 0, np.log(threshold), np.nan)  # no streams say nothing of the chart
    carried = _carry_forward(known)
    week = np.stack([_later(known, k) for k in range(7)], axis=1)
    median = median_of_known(week)
    middle = np.where(np.isfinite(median), median, carried)
    steady: Floats = np.clip(carried, middle - LARGEST_THRESHOLD_STEP, middle + LARGEST_THRESHOLD_STEP)
    return steady


def _later(values: Floats, days: int) -> Floats:
    return np.concatenate([np.full(days, np.nan), values])[: len(values)]


def _carry_forward(values: Floats) -> Floats:
    index = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(len(values)), 0))
    return _nan_to_zero(values[index])


def _nan_to_zero(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, 0.0)
