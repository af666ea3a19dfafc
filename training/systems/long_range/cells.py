"""Forecasts of up to 28 days in a backtest: as of every few days, by the code that the service runs."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from app.forecasting.calibration import calibrate, fit_factors
from app.forecasting.forecaster import Forecast, Forecaster
from app.forecasting.history import Days, Floats, History, Ints
from app.forecasting.long_range import STRETCH, roll
from app.forecasting.market_covariates import HORIZON, MarketCovariates
from app.forecasting.recursion import blend_with_recursive
from app.forecasting.rolling import MAX_HORIZON, count_blocks
from app.forecasting.sample_paths import draw_scores
from app.forecasting.spec import ForecastSpec
from training.backtest import add_forecasts, build_cells
from training.calibration import WARM_UP, score_cells, take_last_days
from training.panel import Panel
from training.recursion import roll_panel

HORIZONS = range(1, MAX_HORIZON + 1)
EVERY = 5  # days between cutoffs: all weekdays come up
AVERAGES = (7, 28)  # days that moving averages are taken over
MODEL = "rolling"
HELD = "week held"  # the direct forecast's week again and again: what rolling has to beat


class Origin(NamedTuple):
    """What forecasts from one cutoff start from.

    Attributes:
        cutoff: An index of a day of the panel.
        tracks: Rows of the panel: all on the cutoff's chart.
        history: Theirs.
        market: Rolled on from the cutoff.
        head: The first week's forecast, calibrated.
        factors: What it was calibrated by.
        observed_days: At the cutoff. (tracks,)
    """

    cutoff: int
    tracks: Ints
    history: History
    market: MarketCovariates
    head: Forecast
    factors: Floats
    observed_days: Ints


def spread_cutoffs(first: np.datetime64, last: np.datetime64) -> Days:
    """Every ``EVERY``-th day, both ends of the period in it."""
    return np.arange(first, last + 1, EVERY)


def build_long_cells(panel: Panel, cutoffs: Days) -> pd.DataFrame:
    """What ``training.backtest.build_cells`` makes of some cutoffs and 28 horizons, with moving averages."""
    cells = pd.concat([build_cells(panel, day, day, HORIZONS) for day in cutoffs], ignore_index=True)
    tracks, days = cells["track"].to_numpy(), cells["cutoff"].to_numpy()
    return cells.assign(**{f"average {n}": _average(panel, tracks, days, n) for n in AVERAGES})


def _average(panel: Panel, tracks: Ints, cutoffs: Ints, n_days: int) -> Floats:
    """The mean of the observed among the last days up to each cutoff. (cells,)"""
    known = np.isfinite(panel.streams)
    totals, counts = np.where(known, panel.streams, 0.0).cumsum(axis=1), known.cumsum(axis=1)
    totals, counts = (np.pad(values, ((0, 0), (n_days, 0))) for values in (totals, counts))
    total = totals[tracks, cutoffs + n_days] - totals[tracks, cutoffs]
    average: Floats = total / (counts[tracks, cutoffs + n_days] - counts[tracks, cutoffs])
    return average


def find_origins(
    panel: Panel, forecaster: Forecaster, cutoffs: Days, learned: np.datetime64
) -> Iterator[Origin]:
    """The first week's forecasts as the service would have given them.

    Args:
        panel: The charts.
        forecaster: The model.
        cutoffs: Days, rising.
        learned: The last target day that the weights learned from: no interval goes by one up to it.
    """
    begin = max(cutoffs[0] - np.timedelta64(WARM_UP, "D"), learned, panel.days[0])
    past = build_cells(panel, begin, min(cutoffs[-1], panel.days[-2]), range(1, HORIZON + 1))
    past = add_forecasts(past, panel, {MODEL: forecaster})
    levels = forecaster.spec.quantile_levels
    logs = np.log(past[[f"{MODEL}@{level}" for level in levels]].to_numpy(dtype=float))
    scores = score_cells(past, logs, forecaster.spec)
    for cutoff in ((cutoffs - panel.days[0]).astype(int)).tolist():
        factors = fit_factors(take_last_days(scores, cutoff), levels, forecaster.spec.horizon)
        tracks = np.flatnonzero(np.isfinite(panel.streams[:, cutoff]))
        days = np.full(len(tracks), cutoff)
        history, observed = (
            panel.history(tracks, days, forecaster.grid_length),
            panel.observed_days(tracks, days),
        )
        market = roll_panel(panel, forecaster, history, cutoff)
        direct = forecaster.forecast(history, panel.covariates)
        week = blend_with_recursive(forecaster, history, market, direct, HORIZON)
        yield Origin(cutoff, tracks, history, market, calibrate(week, observed, factors), factors, observed)


def roll_origin(panel: Panel, forecaster: Forecaster, origin: Origin, stretch: Floats = STRETCH) -> Forecast:
    """The forecast of 28 days that the service gives."""
    track_ids = [panel.track_ids[track] for track in origin.tracks]
    as_of = str(panel.days[origin.cutoff])
    return roll(
        forecaster,
        origin.history,
        origin.market,
        origin.head,
        horizon=MAX_HORIZON,
        scores=draw_scores(panel.region, as_of, track_ids, count_blocks(forecaster.spec)),
        observed_days=origin.observed_days,
        factors=origin.factors,
        stretch=stretch,
    )


def hold_week(head: Forecast) -> Floats:
    """The medians of the direct forecast, its last days over again. (tracks, 28)"""
    repeats = -(-MAX_HORIZON // HORIZON)
    return np.tile(head.median, (1, repeats))[:, :MAX_HORIZON]


def add_rolled(
    cells: pd.DataFrame, panel: Panel, forecaster: Forecaster, learned: np.datetime64
) -> pd.DataFrame:
    """Put the rolled forecasts (columns ``MODEL`` and ``MODEL@level``) and ``HELD`` on cells."""
    cutoffs = np.unique(cells["date"].to_numpy().astype("datetime64[D]"))
    spec = forecaster.spec
    values = np.empty((len(cells), len(spec.quantile_levels) + 1))
    for origin in find_origins(panel, forecaster, cutoffs, learned):
        forecast = roll_origin(panel, forecaster, origin)
        rows = np.flatnonzero(cells["cutoff"] == origin.cutoff)
        places = place(cells.iloc[rows], origin)
        values[rows, :-1], values[rows, -1] = forecast.quantiles[places], hold_week(origin.head)[places]
    return pd.concat([cells, _columns(values, cells.index, spec)], axis=1)


def place(cells: pd.DataFrame, origin: Origin) -> tuple[Ints, Ints]:
    """Where the cells of an origin's cutoff stand among its tracks, and their steps."""
    return np.searchsorted(origin.tracks, cells["track"]), cells["horizon"].to_numpy() - 1


def _columns(values: Floats, index: pd.Index, spec: ForecastSpec) -> pd.DataFrame:
    names = [f"{MODEL}@{level}" for level in spec.quantile_levels]
    columns = pd.DataFrame(values, index, [*names, HELD])
    return columns.assign(**{MODEL: columns[f"{MODEL}@0.5"]})
