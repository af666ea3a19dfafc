"""The loss is the pinball loss of Koenker and Bassett, over what is known."""

import keras
import numpy as np
import pytest

from training.losses import PinballLoss

LEVELS = (0.1, 0.5, 0.9)


def _arrays() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.Generator(np.random.PCG64(1))
    actual = random.normal(size=(2, 5, 4)).astype(np.float32)
    actual[0, 1, 2] = actual[1, 3, :] = np.nan
    return actual, random.normal(size=(2, 5, 4, 3)).astype(np.float32)


def _expected(actual: np.ndarray, forecast: np.ndarray, power: float) -> np.ndarray:
    """Of each step, term by term."""
    result = np.zeros(actual.shape[:2])
    weights = [(ahead + 1) ** -power for ahead in range(actual.shape[2])]
    for step in np.ndindex(*result.shape):
        for ahead, weight in enumerate(weights):
            if np.isnan(actual[step][ahead]):
                continue
            errors = actual[step][ahead] - forecast[step][ahead]
            terms = [
                level * e if e >= 0 else (level - 1) * e for level, e in zip(LEVELS, errors, strict=True)
            ]
            result[step] += weight * np.mean(terms)
    result /= sum(weights)
    return result


@pytest.mark.parametrize("power", [0.0, 1.5])
def test_the_loss_of_each_step_is_the_formulas(power: float) -> None:
    actual, forecast = _arrays()
    found = np.asarray(PinballLoss(LEVELS, actual.shape[2], power).call(actual, forecast))
    np.testing.assert_allclose(found, _expected(actual, forecast, power), rtol=1e-5)


def test_a_second_forecast_of_the_same_days_counts_as_the_first() -> None:
    actual, forecast = _arrays()
    twice = [np.concatenate([values, values], axis=2) for values in (actual, forecast)]
    one = np.asarray(PinballLoss(LEVELS, actual.shape[2], 1.5).call(actual, forecast))
    both = np.asarray(PinballLoss(LEVELS, actual.shape[2], 1.5).call(*twice))
    np.testing.assert_allclose(both, one, rtol=1e-5)


def test_the_loss_of_a_batch_is_the_weighted_mean_over_its_steps() -> None:
    actual, forecast = _arrays()
    weights = np.arange(10, dtype=np.float32).reshape(2, 5)
    found = float(PinballLoss(LEVELS, actual.shape[2], 1.0)(actual, forecast, sample_weight=weights))
    assert found == pytest.approx((weights * _expected(actual, forecast, 1.0)).mean(), rel=1e-5)


def test_what_has_no_target_gives_no_gradient() -> None:
    import tensorflow as tf

    actual, forecast = _arrays()
    variable = tf.Variable(forecast)
    with tf.GradientTape() as tape:
        loss = PinballLoss(LEVELS, actual.shape[2], 1.0)(actual, variable)
    gradient = np.asarray(tape.gradient(loss, variable))
    assert np.isfinite(gradient).all()
    assert not gradient[np.isnan(actual)].any()
    assert gradient[np.isfinite(actual)].all()


def test_it_is_saved_and_read_with_its_settings() -> None:
    config = keras.losses.serialize(PinballLoss(LEVELS, 7, 1.5))
    read = keras.losses.deserialize(config)
    assert isinstance(read, PinballLoss)
    assert (tuple(read.quantile_levels), read.horizon, read.power) == (LEVELS, 7, 1.5)
