"""The daily sums of an artist's tracks, and how those of them that stay on the chart move."""

import numpy as np

from app.forecasting.history import Floats, Ints
from training.panel import Panel


def number_everyone(artists: Ints) -> Ints:
    """A number from 0 for each track's artist; one whose artist is unknown has one of its own. (tracks,)"""
    unknown = artists < 0
    numbers = artists.copy()
    numbers[unknown] = artists.max(initial=-1) + 1 + np.arange(unknown.sum())
    return numbers


def sum_by_artist(values: Floats, artists: Ints) -> Floats:
    """Add up the rows of each artist. (tracks, days) -> (artists, days)"""
    sums = np.zeros((int(artists.max(initial=-1)) + 1, values.shape[1]))
    np.add.at(sums, artists, values)
    return sums


def build_series(panel: Panel) -> Floats:
    """Each artist's chart streams a day, NaN where none of its tracks charted. (artists, days)"""
    artists = number_everyone(panel.artists)
    charting = sum_by_artist(np.isfinite(panel.streams).astype(float), artists) > 0
    return np.where(charting, sum_by_artist(np.nan_to_num(panel.streams), artists), np.nan)


def build_growth(panel: Panel, horizon: int) -> Floats:
    """Log-ratio of each artist's sum some days ahead to the day's, over the tracks that chart on both days.

    Returns:
        NaN where there is no such track, or no streams. (artists, days, horizon)
    """
    artists = number_everyone(panel.artists)
    n_days = len(panel.days)
    padded = np.pad(panel.streams, ((0, 0), (0, horizon)), constant_values=np.nan)
    growth = np.empty((int(artists.max(initial=-1)) + 1, n_days, horizon))
    for step in range(horizon):
        later = padded[:, step + 1 : step + 1 + n_days]
        both = np.isfinite(panel.streams) & np.isfinite(later)
        before, after = (sum_by_artist(np.where(both, s, 0.0), artists) for s in (panel.streams, later))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log(after / before)
        growth[:, :, step] = np.where((before > 0) & (after > 0), ratio, np.nan)
    return growth
