"""Other ways to write the numbers that a model takes and gives.

The model's two parts are fitted on them, and what they say is added up as it is written: plain ratios too.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from app.forecasting.forecaster import Batch, Forecaster
from app.forecasting.scaling import RATIO_SCALE
from training.dataset import Examples

Array = NDArray[np.float32]
Channels = tuple[str, ...]

RATIOS = (
    "log_ratio",
    "deviation",
    "own_weekday_last",
    "own_weekday_median",
    "market_movement",
    "market_miss",
    "market_surprise",
    "chart_weekday",
    "chart_weekday_last",
    "chart_weekday_mean",
    "market_forecast",
    "market_forecast_week",
    "holiday_memory",
    "last_year_miss",
)
SERIES = (*RATIOS, "level", "position")
LEVEL_SCALE = 10.0  # of streams over the chart's smallest: the order of one again
# What the kernel multiplies its channels with, beside the ratios' scale.
FIXED_SCALES = {
    "position": 1 / 200,
    "observed_days": 1 / 5,
    "age": 1 / 5,
    "release_age": 1 / 8,
    "own_weekday_count": 1 / 4,
    "chart_weekday_count": 1 / 4,
    "holiday_memory_count": 1 / 4,
}
MIN_MAX_DAYS = 28
_SMALLEST_RATIO = 0.01  # that a forecast of a plain ratio can mean: no streams have no logarithm


@dataclass(frozen=True)
class Recoding:
    """A way to write numbers, and back.

    Attributes:
        inputs: Covariates (n, steps, channels) and the channels' names -> the same, written otherwise.
        targets: Scaled log-ratios, written otherwise.
        outputs: What undoes ``targets``.
        lead_in: How many steps before a window ``inputs`` reads.
    """

    inputs: Callable[[Array, Channels], Array]
    targets: Callable[[Array], Array]
    outputs: Callable[[Array], Array]
    lead_in: int = 0

    def of_examples(self, examples: Examples, channels: Channels) -> Examples:
        """Examples of one input, written otherwise."""
        inputs = {name: self.inputs(values, channels) for name, values in examples.inputs.items()}
        return replace(examples, inputs=inputs, targets=self.targets(examples.targets))

    def of_forecaster(self, model: Forecaster) -> Forecaster:
        """A forecaster that gives a model windows as it learned them, and reads its answers back."""
        spec = replace(model.spec, context_length=model.spec.context_length + self.lead_in)

        def run(batch: Batch) -> Array:
            recoded = self.inputs(batch["covariates"], spec.covariates)[:, self.lead_in :]
            return self.outputs(model.run({"covariates": recoded}))

        return Forecaster(spec, run)


def _as_is(values: Array) -> Array:
    return values


def _plain_ratio(scaled_log_ratio: Array) -> Array:
    plain: Array = RATIO_SCALE * np.expm1(scaled_log_ratio / RATIO_SCALE)
    return plain


def _log_ratio(scaled_ratio: Array) -> Array:
    log: Array = RATIO_SCALE * np.log1p(np.maximum(scaled_ratio / RATIO_SCALE, _SMALLEST_RATIO - 1))
    return log


def _plain_inputs(covariates: Array, channels: Channels) -> Array:
    plain = covariates.copy()
    ratios = _places(channels, RATIOS)
    plain[:, :, ratios] = _plain_ratio(covariates[:, :, ratios])
    level = _places(channels, ("level",))
    plain[:, :, level] = np.expm1(covariates[:, :, level]) / LEVEL_SCALE
    return plain


def _unscaled_inputs(covariates: Array, channels: Channels) -> Array:
    scales = dict.fromkeys(RATIOS, RATIO_SCALE) | FIXED_SCALES
    divisors = np.array([scales.get(name, 1.0) for name in channels], dtype=np.float32)
    unscaled: Array = (covariates / divisors).astype(np.float32)
    return unscaled


def _min_max_inputs(covariates: Array, channels: Channels) -> Array:
    """Each step's series by the smallest and the largest value of the ``MIN_MAX_DAYS`` up to it."""
    places = _places(channels, SERIES)
    series = covariates[:, :, places]
    before = np.repeat(series[:, :1], MIN_MAX_DAYS - 1, axis=1)
    days = sliding_window_view(np.concatenate([before, series], axis=1), MIN_MAX_DAYS, axis=1)
    low, span = days.min(axis=-1), np.ptp(days, axis=-1)
    scaled = covariates.copy()
    scaled[:, :, places] = np.where(span > 0, (series - low) / np.where(span > 0, span, 1), 0)
    return scaled


def _places(channels: Channels, wanted: Channels) -> list[int]:
    return [i for i, name in enumerate(channels) if name in wanted]


PLAIN = Recoding(_plain_inputs, _plain_ratio, _log_ratio)
UNSCALED = Recoding(_unscaled_inputs, lambda y: y / RATIO_SCALE, lambda y: y * RATIO_SCALE)
MIN_MAX = Recoding(_min_max_inputs, _as_is, _as_is, lead_in=MIN_MAX_DAYS - 1)
