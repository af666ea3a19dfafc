"""AutoETS and AutoTheta, each fitted anew to a single track's own past, on a sample of the cutoffs.

Sources: Hyndman and Khandakar, "Automatic Time Series Forecasting: The forecast Package for R", Journal of
Statistical Software 27 (2008); Fiorucci et al., "Models for optimising the theta method and their
relationship to state space models", International Journal of Forecasting 32 (2016).
"""

import numpy as np
import pandas as pd
from statsforecast.models import AutoETS, AutoTheta

from app.forecasting.history import Floats, Ints
from app.forecasting.market_covariates import HORIZON
from training.panel import Panel

NAMES = ("autoets", "autotheta")
WEEK = 7
LONGEST = 26 * WEEK  # days looked back on; older ones change little and cost time
SHORTEST = 2 * WEEK + 1  # days; with fewer no season can be told, and the forecast is the naive one
LONGEST_GAP = 7  # days; a series begins anew after a longer one
TRACKS_PER_CUTOFF = 3  # a fit of AutoETS takes a quarter of a second


def sample_tracks(cells: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The cells of ``TRACKS_PER_CUTOFF`` tracks drawn on each cutoff, at all their horizons.

    The draw of a day depends on the seed, the day and who charted on it, and on no other day.
    """
    pairs = cells[["track", "cutoff"]].drop_duplicates()
    drawn = [
        of_day.iloc[
            np.random.Generator(np.random.PCG64([seed, int(str(day))])).permutation(len(of_day))
        ].head(TRACKS_PER_CUTOFF)
        for day, of_day in pairs.sort_values(["cutoff", "track"]).groupby("cutoff")
    ]
    return cells.merge(pd.concat(drawn), on=["track", "cutoff"])


def forecast_statistical(panel: Panel, tracks: Ints, cutoffs: Ints) -> dict[str, Floats]:
    """Streams on the seven days after each cutoff, by method. (cells, horizon)"""
    found = {name: np.empty((len(tracks), HORIZON)) for name in NAMES}
    for cell, (track, cutoff) in enumerate(zip(tracks, cutoffs, strict=True)):
        series = build_series(panel.streams[track, : cutoff + 1])
        for name, forecasts in found.items():
            forecasts[cell] = _forecast(name, series)
    return found


def build_series(streams: Floats) -> Floats:
    """A track's last days without gaps: short ones filled in by the days on both their sides.

    Both sides lie before the cutoff, so this shows nothing of the future.

    Args:
        streams: Up to a day on which the track charted, NaN where it did not. (days,)
    """
    recent = streams[-LONGEST:]
    days = np.flatnonzero(np.isfinite(recent))
    breaks = np.flatnonzero(np.diff(days) > LONGEST_GAP + 1)
    days = days[breaks[-1] + 1 :] if len(breaks) else days
    logs = np.log(np.maximum(recent[days], 1.0))
    filled: Floats = np.exp(np.interp(np.arange(days[0], len(recent)), days, logs))
    return filled


def _forecast(name: str, series: Floats) -> Floats:
    """The naive forecast stands in for one that cannot be made."""
    naive = np.full(HORIZON, series[-1])
    if len(series) < SHORTEST or np.ptp(series) == 0:
        return naive
    model = {"autoets": AutoETS, "autotheta": AutoTheta}[name](season_length=WEEK)
    with np.errstate(all="ignore"):
        found = np.asarray(model.forecast(y=series, h=HORIZON)["mean"])
    return np.where(np.isfinite(found), np.maximum(found, 0.0), naive)
