"""Rolling-origin evaluation: every day of a period is a cutoff, every charting track a forecast.

A cell is a track, a cutoff on which it charted and a horizon after which it charts again. All methods are
scored on exactly the same cells. Where the track has left the chart its streams are censored: such targets
are counted, not scored.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from app.forecasting.forecaster import Forecaster
from app.forecasting.history import Floats, Ints
from training.baselines import forecast_chart_weekday, forecast_last_week, forecast_naive
from training.cutting import build_windows_at
from training.panel import Panel

BASELINES = ("naive", "last_week", "chart_weekday")


def build_cells(
    panel: Panel, first: np.datetime64, last: np.datetime64, horizons: Iterable[int]
) -> pd.DataFrame:
    """The cells of the cutoffs from ``first`` to ``last``, with the baselines' forecasts.

    Returns:
        A row a cell: track and cutoff (indices into the panel), horizon, date (of the cutoff),
        observed_days, position, actual (NaN where censored), naive_scale and a column a baseline.

    Raises:
        ValueError: the panel does not hold the period.
    """
    begin, end = (int((day - panel.days[0]).astype(int)) for day in (first, last))
    if begin < 0 or end >= len(panel.days) - 1:
        raise ValueError(
            f"cutoffs from {first} to {last} want charts from {first} to the day after {last}; "
            f"there are {panel.days[0]} to {panel.days[-1]}"
        )
    tracks, days = np.nonzero(np.isfinite(panel.streams[:, begin : end + 1]))
    cells = pd.concat(
        [_cells_of_horizon(panel, tracks, days + begin, h) for h in horizons], ignore_index=True
    )
    return cells.assign(naive_scale=_naive_scales(panel)[cells["track"], cells["cutoff"]])


def _naive_scales(panel: Panel) -> Floats:
    """What MASE divides errors by: each track's mean absolute step up to each day. (tracks, days)

    Over the pairs of consecutive days on which it charted; NaN where there is none or it never moved.

    Source: Hyndman and Koehler, "Another look at measures of forecast accuracy", International Journal of
    Forecasting 22 (2006). Theirs is taken at the end of the training data, this at each cutoff.
    """
    steps = np.abs(np.diff(panel.streams, axis=1, prepend=np.nan))
    known = np.isfinite(steps)
    total = np.where(known, steps, 0.0).cumsum(axis=1)
    scales: Floats = np.where(total > 0, total / np.maximum(known.cumsum(axis=1), 1), np.nan)
    return scales


def _cells_of_horizon(panel: Panel, tracks: np.ndarray, cutoffs: np.ndarray, horizon: int) -> pd.DataFrame:
    inside = cutoffs + horizon < len(panel.days)
    tracks, cutoffs = tracks[inside], cutoffs[inside]
    return pd.DataFrame(
        {
            "track": tracks,
            "cutoff": cutoffs,
            "horizon": horizon,
            "date": panel.days[cutoffs],
            "observed_days": panel.observed_days(tracks, cutoffs),
            "position": panel.positions[tracks, cutoffs],
            "actual": panel.streams[tracks, cutoffs + horizon],
            "naive": forecast_naive(panel, tracks, cutoffs),
            "last_week": forecast_last_week(panel, tracks, cutoffs, horizon),
            "chart_weekday": forecast_chart_weekday(panel, tracks, cutoffs, horizon),
        }
    )


def add_forecasts(cells: pd.DataFrame, panel: Panel, forecasters: Mapping[str, Forecaster]) -> pd.DataFrame:
    """Add models' median forecasts (column ``name``) and quantiles (``name@level``) to the cells.

    The way of a forecast is the service's: the same history, windows, graph and scale.

    Args:
        cells: Of one region.
        panel: Its charts.
        forecasters: By the name that the columns get.
    """
    pairs, position = np.unique(cells[["track", "cutoff"]].to_numpy(), axis=0, return_inverse=True)
    quantiles = _forecast_pairs(pairs, panel, forecasters)
    step = cells["horizon"].to_numpy() - 1
    added = [cells]
    for name, forecaster in forecasters.items():
        levels = [f"{name}@{level}" for level in forecaster.spec.quantile_levels]
        columns = pd.DataFrame(quantiles[name][position.ravel(), step], cells.index, levels)
        added.append(columns.assign(**{name: columns[f"{name}@0.5"]}))
    return pd.concat(added, axis=1)


def _forecast_pairs(pairs: Ints, panel: Panel, forecasters: Mapping[str, Forecaster]) -> dict[str, Floats]:
    """Quantiles of each track at each cutoff. Models of one spec read the same windows."""
    specs = {forecaster.spec for forecaster in forecasters.values()}
    chunks: dict[str, list[Floats]] = {name: [] for name in forecasters}
    for start in range(0, len(pairs), 1024):
        tracks, cutoffs = pairs[start : start + 1024].T
        windows = {spec: build_windows_at(panel, tracks, cutoffs, spec) for spec in specs}
        for name, forecaster in forecasters.items():
            chunks[name].append(forecaster.forecast_windows(windows[forecaster.spec]).quantiles)
    return {name: np.concatenate(parts) for name, parts in chunks.items()}
