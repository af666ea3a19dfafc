"""The loss that models are trained on."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="chartcast")
class PinballLoss(keras.losses.Loss):  # type: ignore[misc]
    """Mean pinball (quantile) loss over levels and horizons; what has no target (NaN) does not count.

    A day further ahead is harder and would rule the mean: the loss h days ahead counts 1 / h ** ``power``.
    Targets may hold several forecasts of the same days, one behind the other.

    Source: Koenker and Bassett, "Regression Quantiles", Econometrica 46 (1978).

    Args:
        quantile_levels: Of the last axis of the predictions.
        horizon: Days ahead.
        power: How much less days further ahead count; 0: as much.
    """

    def __init__(
        self,
        quantile_levels: Sequence[float],
        horizon: int,
        power: float,
        name: str = "pinball",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.horizon = horizon
        self.quantile_levels = list(quantile_levels)
        self.power = power

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Loss of each step. y_true: (batch, steps, n x horizon); y_pred: with levels behind."""
        known = ops.isfinite(y_true)
        error = ops.expand_dims(ops.where(known, y_true, 0.0), -1) - y_pred
        levels = ops.convert_to_tensor(self.quantile_levels, dtype=y_pred.dtype)
        loss = ops.mean(ops.maximum(levels * error, (levels - 1) * error), axis=-1)
        days_ahead = ops.cast(ops.arange(y_true.shape[-1]) % self.horizon + 1, y_pred.dtype)
        weights = days_ahead**-self.power
        return ops.sum(ops.where(known, loss, 0.0) * weights, axis=-1) / ops.sum(weights)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds it."""
        return {
            **super().get_config(),
            "quantile_levels": self.quantile_levels,
            "horizon": self.horizon,
            "power": self.power,
        }
