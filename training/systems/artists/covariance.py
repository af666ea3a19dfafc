"""How the errors of base forecasts vary and go together: measured on a validation period alone.

The chart's tracks change from day to day, so there is no fixed set of series whose covariance could be
estimated. Errors are divided by what is usual for their kind of series and forecast, and the correlations of
these are pooled: one for every two tracks of an artist, one for every two of different artists, and so on.
"""

from dataclasses import dataclass
from math import pi, sqrt
from typing import NamedTuple

import numpy as np
import pandas as pd

from app.forecasting.calibration import GROUP_STARTS, find_groups
from app.forecasting.history import Floats, Ints
from training.systems.artists.cells import BLOCK, Cells

SIZE_STARTS = (1, 2, 4)  # tracks with which each kind of artist begins
FARTHEST = (
    4.0  # usual errors; what lies farther off counts as this far: a debut must not set all correlations
)
_MEAN_TO_DEVIATION = sqrt(pi / 2)  # of a normal error
_SMALLEST = 1e-6  # of a forecast: nothing is known to the last stream


class Correlations(NamedTuple):
    """Of standardised errors; ``own`` is a track and its own artist's sum."""

    same_artist: float
    other_artist: float
    own: float
    track_other: float
    artists: float
    track_chart: float
    artist_chart: float


@dataclass(frozen=True)
class ErrorModel:
    """The errors of one horizon.

    Attributes:
        tracks: Usual relative error by group of observed days. (groups,)
        artists: By kind of artist, by number of tracks. (kinds,)
        chart: Of the chart.
        correlations: Between them.
    """

    tracks: Floats
    artists: Floats
    chart: float
    correlations: Correlations

    def scales(self, block: "Block") -> Floats:
        """The usual error of each series, in streams: chart, artists, tracks. (series,)"""
        parts = (
            np.array([block.chart * self.chart]),
            block.artists * self.artists[block.kinds],
            block.tracks * self.tracks[block.groups],
        )
        scales: Floats = np.maximum(np.concatenate(parts), _SMALLEST * max(block.chart, 1.0))
        return scales

    def covariance(self, block: "Block") -> Floats:
        """Of all errors of a day. (series, series)"""
        c = self.correlations
        n, k = len(block.artists), len(block.tracks)
        own = block.artist_of[None, :] == np.arange(n)[:, None]  # (artists, tracks)
        same = block.artist_of[:, None] == block.artist_of
        correlation = np.empty((1 + n + k, 1 + n + k))
        correlation[0, 1 : 1 + n] = c.artist_chart
        correlation[0, 1 + n :] = c.track_chart
        correlation[1 : 1 + n, 1 : 1 + n] = c.artists
        correlation[1 : 1 + n, 1 + n :] = np.where(own, c.own, c.track_other)
        correlation[1 + n :, 1 + n :] = np.where(same, c.same_artist, c.other_artist)
        upper = np.triu(correlation, 1)
        scales = self.scales(block)
        result: Floats = (upper + upper.T + np.eye(1 + n + k)) * scales[:, None] * scales
        return result


class Block(NamedTuple):
    """The base forecasts of one day ahead of one cutoff.

    Attributes:
        chart: Streams.
        artists: Streams. (artists,)
        tracks: Streams. (tracks,)
        artist_of: The artist of each track, numbered from 0. (tracks,)
        groups: Of tracks, by observed days. (tracks,)
        kinds: Of artists, by number of tracks. (artists,)
    """

    chart: float
    artists: Floats
    tracks: Floats
    artist_of: Ints
    groups: Ints
    kinds: Ints


def find_kinds(tracks: Ints) -> Ints:
    """The kind of each artist by its number of tracks."""
    kinds: Ints = np.array(SIZE_STARTS[1:]).searchsorted(tracks, side="right")
    return kinds


def fit_errors(cells: Cells) -> dict[int, ErrorModel]:
    """The errors of each horizon, from cells of a period before the one that they are used on."""
    models = {}
    for horizon in sorted(cells.charts["horizon"].unique()):
        tracks, artists, charts = (of[of["horizon"] == horizon] for of in cells.levels.values())
        models[int(horizon)] = _fit(tracks, artists, charts)
    return models


def _fit(tracks: pd.DataFrame, artists: pd.DataFrame, charts: pd.DataFrame) -> ErrorModel:
    groups = find_groups(tracks["observed_days"].to_numpy())
    kinds = find_kinds(artists["tracks"].to_numpy())
    of_tracks, of_artists, of_charts = (_relative_errors(of) for of in (tracks, artists, charts))
    usual = (
        _usual(of_tracks, groups, len(GROUP_STARTS)),
        _usual(of_artists, kinds, len(SIZE_STARTS)),
        _usual(of_charts, np.zeros(len(charts), dtype=np.int64), 1),
    )
    standardised = (
        tracks[[*BLOCK, "artist"]].assign(z=_standardise(of_tracks, usual[0][groups])),
        artists[[*BLOCK, "artist"]].assign(z=_standardise(of_artists, usual[1][kinds])),
        charts[BLOCK].assign(z=_standardise(of_charts, usual[2])),
    )
    return ErrorModel(usual[0], usual[1], float(usual[2][0]), _correlate(*standardised))


def _relative_errors(cells: pd.DataFrame) -> Floats:
    forecast = cells["base"].to_numpy(dtype=float)
    errors: Floats = (cells["actual"].to_numpy(dtype=float) - forecast) / np.maximum(forecast, 1.0)
    return errors


def _usual(errors: Floats, groups: Ints, n_groups: int) -> Floats:
    """The mean size of each group's errors as a standard deviation; of all errors where a group has none."""
    sizes, counts = np.bincount(groups, np.abs(errors), n_groups), np.bincount(groups, minlength=n_groups)
    overall = float(np.abs(errors).mean())
    usual: Floats = _MEAN_TO_DEVIATION * np.where(counts > 0, sizes / np.maximum(counts, 1), overall)
    return usual


def _standardise(errors: Floats, usual: Floats) -> Floats:
    standardised: Floats = np.clip(errors / np.maximum(usual, _SMALLEST), -FARTHEST, FARTHEST)
    return standardised


def _correlate(tracks: pd.DataFrame, artists: pd.DataFrame, charts: pd.DataFrame) -> Correlations:
    """Mean products over pairs of one day, over the mean squares of both sides."""
    of_artist = tracks.groupby([*BLOCK, "artist"])["z"].agg(["sum", "size"])
    own = artists.set_index([*BLOCK, "artist"])["z"].reindex(of_artist.index)
    days = charts.set_index("cutoff")["z"]
    t, n_t = _per_day(of_artist["sum"], days.index), _per_day(of_artist["size"], days.index)
    a, n_a = _per_day(own, days.index), _per_day(own.notna().astype(float), days.index)
    squares = float((of_artist["sum"] ** 2).sum())
    pairs = float((of_artist["size"] ** 2).sum())
    tt, aa = float((tracks["z"] ** 2).sum()), float((own**2).sum())
    with_own = float((of_artist["sum"] * own).sum())
    c, n = days.to_numpy(dtype=float), float(n_t.sum())
    ms_t, ms_a, ms_c = tt / n, aa / float(n_a.sum()), float((c**2).mean())
    return Correlations(
        same_artist=_ratio(squares - tt, pairs - n, ms_t),
        other_artist=_ratio(float((t**2).sum()) - squares, float((n_t**2).sum()) - pairs, ms_t),
        own=_ratio(with_own, n, sqrt(ms_t * ms_a)),
        track_other=_ratio(float((t * a).sum()) - with_own, float((n_t * n_a).sum()) - n, sqrt(ms_t * ms_a)),
        artists=_ratio(float((a**2).sum()) - aa, float((n_a**2).sum()) - float(n_a.sum()), ms_a),
        track_chart=_ratio(float((t * c).sum()), n, sqrt(ms_t * ms_c)),
        artist_chart=_ratio(float((a * c).sum()), float(n_a.sum()), sqrt(ms_a * ms_c)),
    )


def _per_day(values: "pd.Series[float]", days: pd.Index) -> Floats:
    summed = values.groupby("cutoff").sum().reindex(days)
    return np.asarray(summed, dtype=np.float64)


def _ratio(products: float, pairs: float, square: float) -> float:
    """A correlation: 0 where there is no pair to tell it from."""
    return float(np.clip(products / pairs / square, -1, 1)) if pairs > 0 and square > 0 else 0.0
