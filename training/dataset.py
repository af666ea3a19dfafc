"""Training examples: long stretches of steps, each step a cutoff with its own target.

A stretch is a warm-up, whose last step has seen a whole context, and then steps that bear a loss. The
tracks' part of a model learns how a track moves beyond the whole chart, whose movement is taken as it was,
and how it moves with it; the market's part learns that movement itself, from few days and none of the tracks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Floats, Ints
from app.forecasting.scaling import scale_log_ratio
from app.forecasting.spec import ForecastSpec
from app.forecasting.track_covariates import LEAD_IN
from app.forecasting.windows import Windows, build_windows
from training.panel import Panel

TARGET_STEPS = 56  # steps of a stretch that bear a loss
MARKET_WARM_UP, MARKET_STEPS, MARKET_STRIDE = 14, 28, 7  # the same of the market, and days between stretches


@dataclass(frozen=True)
class Examples:
    """Stretches to learn from, or to validate on.

    Attributes:
        inputs: As the model takes them; covariates are (stretches, steps, channels).
        targets: Scaled log-ratios, NaN where there is none. (stretches, steps, horizon), or of the tracks
            first beyond the chart, then beyond the window's base. (stretches, steps, 2 x horizon)
        weights: Of each step. (stretches, steps)
    """

    inputs: dict[str, NDArray[np.float32]]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.targets)

    def where(self, counts: NDArray[np.bool_]) -> "Examples":
        """The same with no weight on other steps than those that count, and no stretch without one.

        Raises:
            ValueError: none counts.
        """
        weights = np.where(counts, self.weights, np.float32(0))
        keep = weights.any(axis=1)
        if not keep.any():
            raise ValueError("no step of the period counts: give a longer one")
        inputs = {name: values[keep] for name, values in self.inputs.items()}
        weights = weights[keep] / weights[weights > 0].mean()
        return Examples(inputs, self.targets[keep], weights)


def build_examples(
    panel: Panel,
    spec: ForecastSpec,
    *,
    after: np.datetime64,
    through: np.datetime64,
    power: float,
    least_observed: int = 1,
) -> Examples:
    """Examples of how tracks move: beyond what the whole chart did, and beyond what its rhythm expected.

    Args:
        panel: The charts; what lies after ``through`` is taken out before anything is made.
        spec: Of the model.
        after: Target days lie after it. Day unit.
        through: Target days lie at or before it. Day unit.
        power: Steps are weighted by their streams to this power, about 1 on average.
        least_observed: Of tracks that were observed on so many days up to ``through``.

    Raises:
        ValueError: there is no such target.
    """
    panel = panel.until(through)
    tracks, cutoffs = _stretches(panel, after, spec, least_observed)
    steps = spec.context_length - 1 + TARGET_STEPS
    windows = build_windows(panel.history(tracks, cutoffs, LEAD_IN + steps), panel.covariates, spec)
    targets = _targets(panel, tracks, cutoffs, windows, after)
    targets[:, : spec.context_length - 1] = np.nan
    keep = np.isfinite(targets).any(axis=(1, 2))
    if not keep.any():
        raise ValueError(f"there is no target after {after} and up to {through}: give a longer period")
    inputs = {"covariates": windows.covariates[keep]}
    if spec.static_covariates:
        inputs |= {"static": windows.static[keep], "artist": windows.artist[keep]}
    return Examples(inputs, targets[keep], _weights(windows.log_last[keep], targets[keep], power))


def build_market_examples(panel: Panel, spec: ForecastSpec, *, through: np.datetime64) -> Examples:
    """Examples of how the whole chart moves beyond its weekly rhythm.

    Args:
        panel: The charts; what lies after ``through`` is taken out before anything is made.
        spec: Of the model.
        through: Target days lie at or before it. Day unit.

    Raises:
        ValueError: there are too few days.
    """
    panel = panel.until(through)
    length = MARKET_WARM_UP + MARKET_STEPS
    ends = np.arange(len(panel.days) - 1, length, -MARKET_STRIDE)
    if not len(ends):
        raise ValueError(f"{len(panel.days)} days of charts are too few: the market wants {length + 2}")
    rows = ends[:, None] - np.arange(length)[::-1]
    columns = [panel.covariates.names.index(name) for name in spec.market_covariates]
    beyond = _actual_ahead(panel, spec.horizon) - panel.covariates.rhythm[:-1, : spec.horizon]
    targets = scale_log_ratio(beyond)[rows].astype(np.float32)
    targets[:, :MARKET_WARM_UP] = np.nan
    weights = np.isfinite(targets).any(axis=2).astype(np.float32)
    return Examples({"market": panel.covariates.table[:, columns][rows]}, targets, weights)


def concatenate(parts: Sequence[Examples]) -> Examples:
    """The examples of several regions as one."""
    return Examples(
        inputs={name: np.concatenate([part.inputs[name] for part in parts]) for name in parts[0].inputs},
        targets=np.concatenate([part.targets for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
    )


def _stretches(
    panel: Panel, after: np.datetime64, spec: ForecastSpec, least_observed: int = 1
) -> tuple[Ints, Ints]:
    """Tracks and the index of the last step's day, tiling each track's life back from the panel's end."""
    observed = np.isfinite(panel.streams)
    n_days = len(panel.days)
    first = observed.argmax(axis=1)
    last = n_days - 1 - observed[:, ::-1].argmax(axis=1)
    begin = int((after - panel.days[0]).astype(int)) + 1 - spec.horizon  # the first cutoff with a target
    pairs = [
        (track, end)
        for track in np.flatnonzero(observed.sum(axis=1) >= least_observed)
        for end in range(n_days - 1, max(int(first[track]), begin) - 1, -TARGET_STEPS)
        if end - TARGET_STEPS < last[track]
    ]
    return np.array([track for track, _ in pairs], int), np.array([end for _, end in pairs], int)


def _targets(
    panel: Panel, tracks: Ints, cutoffs: Ints, windows: Windows, after: np.datetime64
) -> NDArray[np.float32]:
    n_steps, horizon = windows.base.shape[1:]
    with np.errstate(divide="ignore"):
        logs = np.log(np.maximum(panel.streams, 1.0))
    padded = np.pad(logs, ((0, 0), (0, horizon)), constant_values=np.nan)
    market = _actual_ahead(panel, horizon)
    base = windows.base - windows.since_last[:, :, None]
    days = cutoffs[:, None] - np.arange(n_steps)[::-1]
    after_index = int((after - panel.days[0]).astype(int))
    result = np.empty((*windows.base.shape[:2], 2 * horizon), dtype=np.float32)
    for step in range(horizon):
        target_day = days + step + 1
        value = padded[tracks[:, None], np.maximum(target_day, 0)]
        value = np.where((target_day > after_index) & (days >= 0), value, np.nan)
        moved = value - windows.log_last - windows.since_last
        result[:, :, step] = scale_log_ratio(moved - market[np.maximum(days, 0), step])
        result[:, :, horizon + step] = scale_log_ratio(moved - base[:, :, step])
    return result


def _actual_ahead(panel: Panel, horizon: int) -> Floats:
    """The market's log movement over the next 1 to ``horizon`` days, NaN where unknown. (days, horizon)"""
    with np.errstate(divide="ignore", invalid="ignore"):
        movement = np.concatenate([np.log(panel.market.movement), np.full(horizon, np.nan)])
    n_days = len(panel.days)
    return np.stack([movement[h : h + n_days] for h in range(1, horizon + 1)], axis=1).cumsum(axis=1)


def _weights(log_last: Floats, targets: NDArray[np.float32], power: float) -> NDArray[np.float32]:
    scored = np.isfinite(targets).any(axis=2)
    raw = np.where(scored, np.exp(power * np.where(scored, log_last, 0.0)), 0.0)
    weights: NDArray[np.float32] = (raw / raw[scored].mean()).astype(np.float32)
    return weights
