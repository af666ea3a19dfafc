"""Charts as they look with something turned off, for models that learn from them and forecast on them.

What is scored never comes from here: cells and their targets are of the charts as they are.
"""

from dataclasses import fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from app.forecasting.history import Floats, History, Ints
from app.forecasting.market import Calendar
from app.forecasting.market_covariates import MarketCovariates
from training.panel import Panel

LONGEST_FILLED = 7  # days of a gap that is interpolated; a track that was away for longer has begun anew
BELOW_THE_CHART = 201.0  # the position of a track without one, where gaps are filled with zeros


def without_holidays(panel: Panel) -> Panel:
    """The same charts in a region that has no holiday."""
    days = panel.calendar.days
    return replace(panel, calendar=Calendar(days, np.zeros(len(days), dtype=np.int64)))


def without_sound(panel: Panel) -> Panel:
    """The same charts with none of the 13 audio features known."""
    return replace(panel, features=np.full_like(panel.features, np.nan))


def without_artists(panel: Panel) -> Panel:
    """The same charts with no track's artist known."""
    return replace(panel, artists=np.full_like(panel.artists, -1))


def without_metadata(panel: Panel) -> Panel:
    """The same charts with neither known."""
    return without_sound(without_artists(panel))


def without_rhythm(panel: Panel) -> Panel:
    """The same charts, on which forecasts are not built on the weekly rhythm."""
    return _WithoutRhythm(**_fields(panel))


def with_gaps_interpolated(panel: Panel) -> Panel:
    """The same charts with gaps of up to ``LONGEST_FILLED`` days on the line between their two sides.

    A day inside a gap is made from the day after it, as in the paper: so is what is learned there. A forecast
    from a day on which the track charted reads nothing later than that day.
    """
    return _Interpolated(**_fields(panel))


def with_gaps_zero(panel: Panel) -> Panel:
    """The same charts with no streams, below the chart, on days after its debut when a track was off it."""
    return _ZeroFilled(**_fields(panel))


def _fields(panel: Panel) -> dict[str, Any]:
    return {field.name: getattr(panel, field.name) for field in fields(panel)}


class _WithoutRhythm(Panel):
    @cached_property
    def covariates(self) -> MarketCovariates:
        known = super().covariates
        return replace(known, rhythm=np.zeros_like(known.rhythm))


class _Filled(Panel):
    """Histories are filled; the chart, its market and the targets stay what they are."""

    @cached_property
    def filled(self) -> Panel:
        """The charts that histories are taken from."""
        raise NotImplementedError

    def history(self, tracks: Ints, cutoffs: Ints, length: int) -> History:
        filled = self.filled.history(tracks, cutoffs, length)
        return replace(filled, companions=super().history(tracks, cutoffs, length).companions)

    def _with(self, streams: Floats, positions: Floats) -> Panel:
        return Panel(**_fields(self) | {"streams": streams, "positions": positions})


class _Interpolated(_Filled):
    @cached_property
    def filled(self) -> Panel:
        return self._with(_interpolate(self.streams), _interpolate(self.positions))


class _ZeroFilled(_Filled):
    @cached_property
    def filled(self) -> Panel:
        away = ~np.isfinite(self.streams) & (np.arange(len(self.days)) > self.first_index[:, None])
        return self._with(np.where(away, 0.0, self.streams), np.where(away, BELOW_THE_CHART, self.positions))


def _interpolate(values: Floats) -> Floats:
    """Fill the short gaps of each row. (tracks, days)"""
    filled, days = values.copy(), np.arange(values.shape[1])
    for row in filled:
        known = np.flatnonzero(np.isfinite(row))
        gap = np.diff(known) - 1
        for last in np.flatnonzero((gap > 0) & (gap <= LONGEST_FILLED)):
            inside = days[known[last] + 1 : known[last + 1]]
            row[inside] = np.interp(inside, known[last : last + 2], row[known[last : last + 2]])
    return filled
