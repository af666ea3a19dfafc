"""Training examples: long stretches of steps, each step a cutoff with its own target.

A stretch is a warm-up, whose last step has seen a whole context, and then steps that bear a loss.
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


@dataclass(frozen=True)
class Examples:
    """Stretches to learn from, or to validate on.

    Attributes:
        inputs: As the model takes them; covariates are (stretches, steps, channels).
        targets: Scaled log-ratios beyond the windows' base, NaN where there is none.
            (stretches, steps, horizon)
        weights: Of each step. (stretches, steps)
    """

    inputs: dict[str, NDArray[np.float32]]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.targets)


def build_examples(
    panel: Panel, spec: ForecastSpec, *, after: np.datetime64, through: np.datetime64, power: float
) -> Examples:
    """Examples whose target days lie after ``after`` and at or before ``through``.

    Args:
        panel: The charts; what lies after ``through`` is taken out before anything is made.
        spec: Of the model.
        after: Day unit.
        through: Day unit.
        power: Steps are weighted by their streams to this power, about 1 on average.

    Raises:
        ValueError: there is no such target.
    """
    panel = panel.until(through)
    tracks, cutoffs = _stretches(panel, after, spec)
    steps = spec.context_length - 1 + TARGET_STEPS
    windows = build_windows(panel.history(tracks, cutoffs, LEAD_IN + steps), panel.covariates, spec)
    targets = _targets(panel, tracks, cutoffs, windows, after)
    targets[:, : spec.context_length - 1] = np.nan
    keep = np.isfinite(targets).any(axis=(1, 2))
    if not keep.any():
        raise ValueError(f"there is no target after {after} and up to {through}: give a longer period")
    inputs = {"covariates": windows.covariates[keep]}
    if spec.static_covariates:
        inputs["static"] = windows.static[keep]
    return Examples(inputs, targets[keep], _weights(windows.log_last[keep], targets[keep], power))


def concatenate(parts: Sequence[Examples]) -> Examples:
    """The examples of several regions as one."""
    return Examples(
        inputs={name: np.concatenate([part.inputs[name] for part in parts]) for name in parts[0].inputs},
        targets=np.concatenate([part.targets for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
    )


def _stretches(panel: Panel, after: np.datetime64, spec: ForecastSpec) -> tuple[Ints, Ints]:
    """Tracks and the index of the last step's day, tiling each track's life back from the panel's end."""
    observed = np.isfinite(panel.streams)
    n_days = len(panel.days)
    first = observed.argmax(axis=1)
    last = n_days - 1 - observed[:, ::-1].argmax(axis=1)
    begin = int((after - panel.days[0]).astype(int)) + 1 - spec.horizon  # the first cutoff with a target
    pairs = [
        (track, end)
        for track in range(len(panel.track_ids))
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
    days = cutoffs[:, None] - np.arange(n_steps)[::-1]
    after_index = int((after - panel.days[0]).astype(int))
    result = np.empty(windows.base.shape, dtype=np.float32)
    for step in range(horizon):
        target_day = days + step + 1
        value = padded[tracks[:, None], np.maximum(target_day, 0)]
        value = np.where((target_day > after_index) & (days >= 0), value, np.nan)
        result[:, :, step] = scale_log_ratio(value - windows.log_last - windows.base[:, :, step])
    return result


def _weights(log_last: Floats, targets: NDArray[np.float32], power: float) -> NDArray[np.float32]:
    scored = np.isfinite(targets).any(axis=2)
    raw = np.where(scored, np.exp(power * np.where(scored, log_last, 0.0)), 0.0)
    weights: NDArray[np.float32] = (raw / raw[scored].mean()).astype(np.float32)
    return weights
