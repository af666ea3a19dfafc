"""The cells that presence is learned from and judged on: a track on a day, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Floats, Ints
from app.forecasting.market_covariates import HORIZON
from app.forecasting.presence import (
    CHART,
    CHART_DAYS,
    GRID_LENGTH,
    INPUTS,
    MOST_OFF,
    TOP,
    build_chart_state,
    build_rows,
    scale_ranks,
)
from training.panel import Panel

FAR = 60  # days ahead: the papers' two months
CHUNK = 4096  # cells whose rows are made at once


@dataclass(frozen=True)
class Cells:
    """Tracks that were on the chart within the last ``MOST_OFF`` days of a cutoff, and what became of them.

    What is not known by the end of the period, or of a day without a chart, is NaN.

    Attributes:
        tracks: Rows of the panel. (cells,)
        rows: As the served model takes them. (cells, inputs)
        gap: Days since the track was last on the chart; 0: it is. (cells,)
        position: The last one. (cells,)
        chart: Whether it charts on each of the next days: 1 or 0. (cells, 7)
        top50: Whether it is in the top 50 then. (cells, 7)
        rank: Its rank then, NaN too where it does not chart. (cells, 7)
        far: Whether it charts, and is in the top 50, ``FAR`` days ahead. (cells, 2)
    """

    tracks: Ints
    rows: NDArray[np.float32]
    gap: Ints
    position: Floats
    chart: Floats
    top50: Floats
    rank: Floats
    far: Floats

    def __len__(self) -> int:
        return len(self.gap)

    @property
    def charting(self) -> NDArray[np.bool_]:
        """Whether the track is on the chart of the cutoff. (cells,)"""
        charting: NDArray[np.bool_] = self.gap == 0
        return charting

    @property
    def week(self) -> Floats:
        """Whether it charts on any of the next days: known where all of them are, or it did. (cells,)"""
        any_day = np.nan_to_num(self.chart).max(axis=1)
        return np.where(np.isfinite(self.chart).all(axis=1) | (any_day > 0), any_day, np.nan)

    @property
    def moved(self) -> Floats:
        """How the scaled rank moves from the last one. (cells, 7)"""
        moved: Floats = scale_ranks(self.rank) - scale_ranks(self.position)[:, None]
        return moved

    def where(self, chosen: NDArray[np.bool_]) -> "Cells":
        """Some of the cells."""
        return Cells(*(getattr(self, field.name)[chosen] for field in fields(self)))


def join(parts: Sequence[Cells]) -> Cells:
    """The cells of several regions."""
    return Cells(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Cells)))


def build_cells(panel: Panel, first: np.datetime64, last: np.datetime64, through: np.datetime64) -> Cells:
    """The cells of every cutoff with a chart from ``first`` to ``last``.

    Args:
        panel: The charts.
        first: The first cutoff; the panel's first day where that is later.
        last: The last one.
        through: The last day whose outcomes count.
    """
    begin, end, known = (int((day - panel.days[0]).astype(int)) for day in (first, last, through))
    charting = panel.positions <= CHART
    gaps = _gaps(charting)
    has_chart = charting.any(axis=0)
    wanted = (gaps <= MOST_OFF) & has_chart
    wanted[:, : max(begin, 0)] = False
    wanted[:, end + 1 :] = False
    cutoffs, tracks = np.nonzero(wanted.T)  # by day: the cells of a chart lie together
    gap = gaps[tracks, cutoffs]
    outcomes = _Outcomes(panel, min(known, len(panel.days) - 1))
    steps = np.arange(1, HORIZON + 1)
    ranks = outcomes.ranks(tracks, cutoffs, steps)
    far = outcomes.ranks(tracks, cutoffs, np.array([FAR]))[:, 0]
    return Cells(
        tracks=tracks,
        rows=_build_rows(panel, tracks, cutoffs),
        gap=gap,
        position=panel.positions[tracks, cutoffs - gap],
        chart=_within(ranks, CHART),
        top50=_within(ranks, TOP),
        rank=np.where(ranks <= CHART, ranks, np.nan),
        far=np.stack([_within(far, CHART), _within(far, TOP)], axis=1),
    )


def _within(ranks: Floats, most: int) -> Floats:
    return np.where(np.isnan(ranks), np.nan, (ranks <= most).astype(float))


def _gaps(charting: NDArray[np.bool_]) -> Ints:
    """Days since each track was last on the chart; many where it never was. (tracks, days)"""
    days = np.arange(charting.shape[1])
    latest = np.maximum.accumulate(np.where(charting, days, -10_000), axis=1)
    gaps: Ints = days - latest
    return gaps


class _Outcomes:
    """The ranks of later days: infinite off the chart, NaN where the day is not known or has no chart."""

    def __init__(self, panel: Panel, known: int) -> None:
        self._positions = panel.positions
        self._has_chart: NDArray[np.bool_] = np.atleast_1d((panel.positions <= CHART).any(axis=0))
        self._known = known

    def ranks(self, tracks: Ints, cutoffs: Ints, steps: Ints) -> Floats:
        """(cells, steps)"""
        days = cutoffs[:, None] + steps
        inside = np.minimum(days, self._known)
        positions = self._positions[tracks[:, None], inside]
        ranks = np.where(positions <= CHART, positions, np.inf)
        return np.where((days <= self._known) & self._has_chart[inside], ranks, np.nan)


def _build_rows(panel: Panel, tracks: Ints, cutoffs: Ints) -> NDArray[np.float32]:
    states = _build_states(panel, cutoffs)
    parts = [np.empty((0, len(INPUTS)), dtype=np.float32)]
    for start in range(0, len(tracks), CHUNK):
        part = slice(start, start + CHUNK)
        history = panel.history(tracks[part], cutoffs[part], GRID_LENGTH)
        parts.append(build_rows(history, panel.covariates, states[cutoffs[part]]))
    return np.concatenate(parts)


def _build_states(panel: Panel, cutoffs: Ints) -> Floats:
    padded = np.pad(panel.streams, ((0, 0), (CHART_DAYS - 1, 0)), constant_values=np.nan)
    days = range(len(panel.days))
    wanted = set(cutoffs.tolist())
    blank = build_chart_state(padded[:, :CHART_DAYS] * np.nan)
    states = [
        build_chart_state(padded[:, day : day + CHART_DAYS]) if day in wanted else blank for day in days
    ]
    return np.array(states)
