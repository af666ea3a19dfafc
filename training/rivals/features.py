"""What a tree learner sees of a track and its chart on a day: a model's channels and more, in one row.

A recurrent model sums and compares the days of its window itself; trees cannot, so that is done here.
"""

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Floats, History, Ints
from app.forecasting.market import WEEKS
from app.forecasting.spec import ForecastSpec
from app.forecasting.track_covariates import LEAD_IN
from app.forecasting.windows import Windows, build_windows
from training.panel import Panel

LAGS = 14  # days whose channels are given one by one
LAGGED = ("log_ratio", "deviation", "market_movement", "market_miss")
SPANS = (3, 7, 14, 28)  # days that a track's own moves are summed up over
SPEC = ForecastSpec(context_length=28).with_metadata()
CHUNK = 2048  # cells at once: their windows take 100 MB


def build_features(
    panel: Panel, tracks: Ints, cutoffs: Ints
) -> tuple[NDArray[np.float32], NDArray[np.float32], Floats, Floats]:
    """The features of some cells, made from their cutoffs' days and earlier ones.

    Args:
        panel: The charts.
        tracks: Rows of the panel. (cells,)
        cutoffs: Indices of days on which they charted. (cells,)

    Returns:
        What is the same for all horizons, (cells, features); what each horizon has of its own,
        (cells, horizon, features); log streams at the cutoff, (cells,); and the log-ratio from there to each
        day ahead by the market alone, (cells, horizon).
    """
    parts = [
        _chunk(panel, tracks[start : start + CHUNK], cutoffs[start : start + CHUNK])
        for start in range(0, len(tracks), CHUNK)
    ]
    common, own, log_last, base = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return common, own, log_last, base


def _chunk(
    panel: Panel, tracks: Ints, cutoffs: Ints
) -> tuple[NDArray[np.float32], NDArray[np.float32], Floats, Floats]:
    history = panel.history(tracks, cutoffs, LEAD_IN + SPEC.context_length)
    windows = build_windows(history, panel.covariates, SPEC)
    base = windows.base[:, -1]
    relative = _log_over_market(panel, history, cutoffs)
    common = (windows.covariates[:, -1], windows.static, _lags(windows), _spans(windows), _levels(relative))
    return (
        np.concatenate(common, axis=1).astype(np.float32),
        _by_horizon(relative, base, history).astype(np.float32),
        windows.log_last[:, -1],
        base,
    )


def _log_over_market(panel: Panel, history: History, cutoffs: Ints) -> Floats:
    """Log streams of each grid's days less what the market has moved by then. (cells, days)"""
    moved = panel.covariates.movement.cumsum()
    days = cutoffs[:, None] - np.arange(history.streams.shape[1])[::-1]
    logs: Floats = np.log(np.maximum(history.streams, 1.0)) - moved[np.maximum(days, 0)]
    return logs


def _lags(windows: Windows) -> NDArray[np.float32]:
    """Yesterday's channels and those of the days before, today's being there already."""
    columns = [SPEC.covariates.index(name) for name in LAGGED]
    lagged = windows.covariates[:, -LAGS:-1, columns]
    return lagged.reshape(len(lagged), -1)


def _spans(windows: Windows) -> NDArray[np.float32]:
    """Mean and spread of the track's own moves, and how many there were, over some last days."""
    deviation = windows.covariates[:, :, SPEC.covariates.index("deviation")]
    known = windows.covariates[:, :, SPEC.covariates.index("ratio_known")]
    columns = []
    for span in SPANS:
        count = known[:, -span:].sum(axis=1)
        mean = deviation[:, -span:].sum(axis=1) / np.maximum(count, 1)
        square = (deviation[:, -span:] ** 2).sum(axis=1) / np.maximum(count, 1)
        columns += [mean, np.sqrt(np.maximum(square - mean**2, 0)), count]
    return np.stack(columns, axis=1)


def _levels(relative: Floats) -> Floats:
    """Where the track stands today against the same weekdays before and its best and worst days."""
    today = relative[:, -1:]
    weeks = relative[:, [-1 - 7 * k for k in range(1, 2 * WEEKS)]]
    filled = np.where(np.isfinite(relative), relative, today)
    best, worst = filled.max(axis=1, keepdims=True), filled.min(axis=1, keepdims=True)
    days_since_best = filled.shape[1] - 1 - filled.argmax(axis=1)
    return np.concatenate([today - weeks, today - best, today - worst, days_since_best[:, None]], axis=1)


def _by_horizon(relative: Floats, base: Floats, history: History) -> Floats:
    """The market's expected move, the target's weekday, the track's own moves over the same days before."""
    n_days = relative.shape[1]
    steps = np.arange(1, base.shape[1] + 1)
    weeks = np.arange(1, WEEKS + 1)
    start = n_days - 1 - 7 * weeks
    moves = relative[:, start[None, :] + steps[:, None]] - relative[:, None, start]  # (cells, horizon, weeks)
    known = np.isfinite(moves)
    mean = np.where(known, moves, 0.0).sum(axis=2) / np.maximum(known.sum(axis=2), 1)
    weekday = (history.cutoffs.astype(np.int64)[:, None] + steps + 3) % 7
    return np.concatenate([np.stack([base, weekday, mean], axis=2), moves], axis=2)
