"""Forecasts that add up: tracks to their artists, artists to the chart.

Base forecasts of the levels are made apart and do not add up. With the base forecasts of all series in y, the
chart first, then its artists, then their tracks, coherent ones are S P y, where S adds tracks up:

- bottom-up: P keeps the tracks' forecasts and nothing else;
- top-down: P splits the chart's forecast by the shares that the tracks' own forecasts have in their sum;
- minimum trace: P = (S' W^-1 S)^-1 S' W^-1, with W the covariance of the base forecasts' errors. Of all
  unbiased ways to make them coherent it has the smallest sum of error variances. Written with the
  constraints C y = 0 that coherent forecasts keep, it is y - W C' (C W C')^-1 C y: what the levels
  contradict each other by is shared out by how unsure each series is. W is shrunk towards its diagonal;
  wholly shrunk it is least squares weighted by variance (WLS).

Source: Wickramasuriya, Athanasopoulos and Hyndman, "Optimal Forecast Reconciliation for Hierarchical and
Grouped Time Series Through Trace Minimization", Journal of the American Statistical Association 114 (2019);
the shrinkage, there as here, of Schäfer and Strimmer (2005), but with a share that is chosen on validation.
"""

from dataclasses import dataclass

import numpy as np

from app.forecasting.history import Floats, Ints


@dataclass(frozen=True)
class Levels:
    """Forecasts of one day at every level, in streams.

    Attributes:
        chart: Of the whole chart.
        artists: (artists,)
        tracks: (tracks,)
    """

    chart: float
    artists: Floats
    tracks: Floats

    def stack(self) -> Floats:
        """All series, the chart first, then artists, then tracks. (1 + artists + tracks,)"""
        return np.concatenate([[self.chart], self.artists, self.tracks])


def bottom_up(tracks: Floats, artists: Ints) -> Levels:
    """Add tracks up.

    Args:
        tracks: Streams. (tracks,)
        artists: The artist of each track, numbered from 0. (tracks,)
    """
    by_artist = np.bincount(artists, weights=tracks).astype(float)
    return Levels(float(tracks.sum()), by_artist, tracks)


def top_down(chart: float, tracks: Floats, artists: Ints) -> Levels:
    """Split the chart's forecast by the shares of the tracks' forecasts; evenly where they are all 0."""
    total = float(tracks.sum())
    shares = tracks / total if total > 0 else np.full(len(tracks), 1 / len(tracks))
    return bottom_up(chart * shares, artists)


def min_trace(base: Levels, artists: Ints, covariance: Floats) -> Levels:
    """Make forecasts coherent with the smallest error variances.

    A track that would get less than 0 gets 0, and all is added up from the tracks: they stay coherent.

    Args:
        base: Forecasts that need not add up.
        artists: The artist of each track, numbered from 0. (tracks,)
        covariance: Of the base forecasts' errors, in the order of ``Levels.stack``, shrunk enough that it
            is positive definite. (series, series)
    """
    forecasts = base.stack()
    spread = _contradict(covariance, artists, len(base.artists))  # W C'
    contradiction = np.linalg.solve(
        _contradict(spread.T, artists, len(base.artists)),
        _contradict(forecasts[None], artists, len(base.artists))[0],
    )
    tracks = (forecasts - spread @ contradiction)[1 + len(base.artists) :]
    return bottom_up(np.maximum(tracks, 0.0), artists)


def shrink(covariance: Floats, share: float) -> Floats:
    """Leave the variances and take ``share`` (0 to 1) off everything else."""
    shrunk: Floats = (1 - share) * covariance
    np.fill_diagonal(shrunk, covariance.diagonal())
    return shrunk


def _contradict(values: Floats, artists: Ints, n_artists: int) -> Floats:
    """What coherent series make 0: the chart less all tracks, each artist less its own.

    The product with C', whose many zeros a sum over runs of tracks passes over.

    Args:
        values: (rows, series)
        artists: The artist of each track, numbered from 0. (tracks,)
        n_artists: Each has a track.

    Returns:
        (rows, 1 + artists)
    """
    order = np.argsort(artists, kind="stable")
    starts = np.searchsorted(artists[order], np.arange(n_artists))
    upper, tracks = values[:, : 1 + n_artists], values[:, 1 + n_artists :][:, order]
    by_artist = np.add.reduceat(tracks, starts, axis=1)
    whole = by_artist.sum(axis=1, keepdims=True)
    contradiction: Floats = upper - np.concatenate([whole, by_artist], axis=1)
    return contradiction
