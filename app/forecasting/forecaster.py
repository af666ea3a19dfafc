"""From windows to forecasts in streams."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Floats, History
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.scaling import unscale_log_ratio
from app.forecasting.spec import ForecastSpec
from app.forecasting.track_covariates import LEAD_IN
from app.forecasting.windows import Windows, build_windows

Batch = Mapping[str, NDArray[np.float32]]
Run = Callable[[Batch], NDArray[np.float32]]

LARGEST_LOG_STREAMS = 25.0  # e^25, 72 thousand million: far above any chart, far below overflow


@dataclass(frozen=True)
class Forecast:
    """Forecasts of some tracks, conditional on their charting.

    Attributes:
        quantiles: Streams at each quantile level, rising, finite, not negative. (tracks, horizon, levels)
        quantile_levels: (levels,)
    """

    quantiles: Floats
    quantile_levels: tuple[float, ...]

    @property
    def median(self) -> Floats:
        """The point forecast in streams. (tracks, horizon)"""
        return self.quantiles[:, :, self.quantile_levels.index(0.5)]

    def bounds(self, level: int) -> tuple[int, int]:
        """Which levels bound the central interval of ``level`` percent."""
        tail = round((1 - level / 100) / 2, 6)
        return self.quantile_levels.index(tail), self.quantile_levels.index(round(1 - tail, 6))

    def interval(self, level: int) -> tuple[Floats, Floats]:
        """The central interval of ``level`` percent: its bounds, each (tracks, horizon)."""
        low, high = self.bounds(level)
        return self.quantiles[:, :, low], self.quantiles[:, :, high]


def model_inputs(windows: Windows, spec: ForecastSpec) -> dict[str, NDArray[np.float32]]:
    """What the model is run on: the last ``context_length`` steps of each window."""
    inputs = {"covariates": windows.covariates[:, -spec.context_length :]}
    if spec.static_covariates:
        inputs["static"] = windows.static
    if spec.artist_covariates:
        inputs["artist"] = windows.artist[:, -spec.context_length :]
    return inputs


def to_streams(
    outputs: NDArray[np.float32], *, log_last: Floats, base: Floats, spec: ForecastSpec
) -> Forecast:
    """Turn a model's outputs into streams.

    Args:
        outputs: Scaled log-ratios beyond ``base``. (tracks, horizon, levels)
        log_last: Log streams of the last observed day. (tracks,)
        base: Log-ratio by the market alone. (tracks, horizon)
        spec: Whose quantile levels the outputs have.
    """
    log_streams = unscale_log_ratio(np.sort(outputs, axis=2).astype(float))
    log_streams += (log_last[:, None] + base)[:, :, None]
    np.minimum(log_streams, LARGEST_LOG_STREAMS, out=log_streams)
    return Forecast(quantiles=np.exp(log_streams), quantile_levels=spec.quantile_levels)


class Forecaster:
    """A model and the windows it wants.

    Args:
        spec: What the model takes and gives.
        run: Model inputs -> scaled log-ratios, (tracks, horizon, levels).
    """

    def __init__(self, spec: ForecastSpec, run: Run) -> None:
        self.spec = spec
        self.run = run

    @property
    def grid_length(self) -> int:
        """The days of history that a forecast reads, the cutoff the last of them."""
        return LEAD_IN + self.spec.context_length

    def forecast(self, history: History, market: MarketCovariates) -> Forecast:
        """Forecast the days after each track's cutoff.

        Args:
            history: Grids of ``grid_length`` days, each track observed within its last ``LEAD_IN``.
            market: The region's shared channels, up to the latest cutoff at least.
        """
        return self.forecast_windows(build_windows(history, market, self.spec))

    def forecast_windows(self, windows: Windows) -> Forecast:
        """Forecast the days after the last step of windows that were made by ``spec``."""
        outputs = self.run(model_inputs(windows, self.spec))
        return to_streams(outputs, log_last=windows.log_last[:, -1], base=windows.last_base, spec=self.spec)
