"""What is scored: tracks that chart on the cutoff and on the target day, their artists' sums, the chart's.

Who stays on the chart is known to all methods alike, as where tracks are scored: forecasts are conditional on
it. What leaving and debuts do to whole artists is measured apart (``build_whole``).
"""

from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from app.forecasting.forecaster import Forecaster
from app.forecasting.history import Floats
from app.forecasting.market_covariates import weekly_movements
from app.forecasting.market_forecast import forecast_misses
from training.backtest import BASELINES, add_forecasts, build_cells
from training.calibration import WARM_UP, add_calibrated
from training.folds import Fold
from training.panel import Panel
from training.recursion import move_forecasts
from training.systems.artists.sums import build_series, number_everyone, sum_by_artist
from training.systems.artists.trend import HORIZON, forecast_growth

TRACK_MODEL = "lstm"
CALIBRATED = f"{TRACK_MODEL} calibrated"
BLOCK = ["horizon", "cutoff"]  # one day ahead of one cutoff: a hierarchy of its own


@dataclass(frozen=True)
class Cells:
    """One row a series, cutoff and days ahead, at each level.

    All have horizon, cutoff, date (of the cutoff), actual, a column a baseline and ``base``, the level's own
    forecast. In the order of horizon, cutoff and artist.

    Attributes:
        tracks: Also track, artist, observed_days and the calibrated quantiles.
        artists: Also artist and ``tracks``, how many of its tracks are meant.
        charts: One row a horizon and cutoff.
    """

    tracks: pd.DataFrame
    artists: pd.DataFrame
    charts: pd.DataFrame

    def where_date(self, first: np.datetime64, last: np.datetime64) -> "Cells":
        """The same of the cutoffs from ``first`` to ``last``."""
        return Cells(
            *(of[of["date"].between(first, last)].reset_index(drop=True) for of in self.levels.values())
        )

    @property
    def levels(self) -> dict[str, pd.DataFrame]:
        """By name, from the bottom up."""
        return {"tracks": self.tracks, "artists": self.artists, "charts": self.charts}


def build_fold_cells(
    panel: Panel, fold: Fold, tracks: Forecaster, trend: keras.Model
) -> tuple[Cells, pd.DataFrame]:
    """The cells of a fold's validation and test; intervals are calibrated from ``first_calibrated`` on.

    Args:
        panel: Of one region.
        fold: The periods.
        tracks: The model of single tracks, fitted on the fold's days.
        trend: The plain LSTM of artists, likewise.

    Returns:
        The cells, and ``build_whole`` of all tracks, those that left included.
    """
    cells = build_cells(panel, fold.train_through, fold.last, range(1, HORIZON + 1))
    forecasters = {TRACK_MODEL: tracks}
    cells = move_forecasts(add_forecasts(cells, panel, forecasters), panel, forecasters, fold.train_through)
    cells = add_calibrated(cells, TRACK_MODEL, tracks.spec, first_calibrated(fold))
    return sum_cells(cells, panel, trend), build_whole(panel, cells)


def first_calibrated(fold: Fold) -> np.datetime64:
    """The first cutoff whose intervals go by a whole past of forecasts that no weights learned from."""
    return min(fold.train_through + np.timedelta64(WARM_UP, "D"), fold.first)


def sum_cells(cells: pd.DataFrame, panel: Panel, trend: keras.Model) -> Cells:
    """Take the tracks that stay and add them up."""
    known = cells[cells["actual"].notna()]
    artists = number_everyone(panel.artists)[known["track"]]
    known = known.assign(artist=artists, base=known[TRACK_MODEL]).sort_values([*BLOCK, "artist", "track"])
    summed = ["actual", *BASELINES]
    by_artist = known.groupby([*BLOCK, "date", "artist"])
    of_artists = by_artist[summed].sum().assign(tracks=by_artist.size()).reset_index()
    of_charts = known.groupby([*BLOCK, "date"])[summed].sum().reset_index()
    return Cells(
        tracks=known.reset_index(drop=True),
        artists=of_artists.assign(base=of_artists["naive"] * _grow(of_artists, panel, trend)),
        charts=of_charts.assign(base=of_charts["naive"] * _move(of_charts, panel)),
    )


def _grow(of_artists: pd.DataFrame, panel: Panel, trend: keras.Model) -> Floats:
    """What the plain LSTM says of each artist's stayers. (cells,)"""
    series = build_series(panel)
    pairs, row = np.unique(of_artists[["artist", "cutoff"]].to_numpy(), axis=0, return_inverse=True)
    growth = forecast_growth(trend, series, *pairs.T)
    chosen: Floats = growth[row.ravel(), of_artists["horizon"].to_numpy() - 1]
    return chosen


def _move(of_charts: pd.DataFrame, panel: Panel) -> Floats:
    """What the market's rhythm and the forecast of its misses say of the whole chart. (cells,)"""
    market = panel.covariates
    with np.errstate(divide="ignore"):
        movement = np.log(panel.market.movement)
    miss = movement - np.concatenate([[0.0], market.rhythm[: len(movement) - 1, 0]])
    misses = forecast_misses(miss, weekly_movements(movement), panel.calendar, HORIZON).cumsum(axis=1)
    growth = np.exp(market.rhythm[:-1] + misses)
    chosen: Floats = growth[of_charts["cutoff"], of_charts["horizon"] - 1]
    return chosen


def build_whole(panel: Panel, cells: pd.DataFrame) -> pd.DataFrame:
    """What became of each artist as a whole: a row an artist, cutoff and days ahead, stayers or not.

    Args:
        panel: The charts.
        cells: Of tracks, those that left included, with their forecasts.

    Returns:
        forecast and naive: of all its tracks on the cutoff's chart, as the service adds them up; stayed:
        the streams of those still on the chart; whole: of all its tracks on the target day's chart. Target
        days without a chart are left out.
    """
    artists = number_everyone(panel.artists)
    totals = sum_by_artist(np.nan_to_num(panel.streams), artists)
    summed = cells.assign(artist=artists[cells["track"]], stayed=cells["actual"].fillna(0.0))
    whole = summed.groupby([*BLOCK, "date", "artist"])[["stayed", "naive", TRACK_MODEL]].sum().reset_index()
    charted = np.isfinite(panel.streams).sum(axis=0) > 0
    whole = whole.loc[charted[whole["cutoff"] + whole["horizon"]]]
    found = totals[whole["artist"], whole["cutoff"] + whole["horizon"]]
    renamed: pd.DataFrame = whole.assign(whole=found).rename(columns={TRACK_MODEL: "forecast"})
    return renamed
