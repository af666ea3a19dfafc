"""Whatever a model answers, forecasts are finite, not negative, and their quantiles rise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from app.forecasting.forecaster import Forecast, model_inputs, to_streams
from app.forecasting.spec import ForecastSpec
from app.forecasting.track_covariates import LEAD_IN
from app.forecasting.windows import build_windows
from tests.panels import build_long_panel, every_track

SPEC = ForecastSpec()
SHAPE = (3, SPEC.horizon, len(SPEC.quantile_levels))


def _forecast(outputs: NDArray[np.float32], log_last: float = 10.0) -> Forecast:
    base = np.linspace(-0.2, 0.2, SPEC.horizon)[None].repeat(len(outputs), axis=0)
    return to_streams(outputs, log_last=np.full(len(outputs), log_last), base=base, spec=SPEC)


def _check(forecast: Forecast) -> None:
    assert forecast.quantiles.shape == SHAPE
    assert np.isfinite(forecast.quantiles).all()
    assert (forecast.quantiles >= 0).all()
    assert (np.diff(forecast.quantiles, axis=2) >= 0).all()
    inner = forecast.median, forecast.median
    for level in SPEC.levels:
        lower, upper = forecast.interval(level)
        assert (lower <= inner[0]).all()
        assert (upper >= inner[1]).all()
        inner = lower, upper


@given(arrays.arrays(np.float32, SHAPE, elements=st.floats(-1e6, 1e6, width=32)), st.floats(0, 25))
def test_absurd_answers_still_make_a_forecast(outputs: NDArray[np.float32], log_last: float) -> None:
    _check(_forecast(outputs, log_last))


@pytest.mark.parametrize("value", [3e38, -3e38, np.inf, -np.inf, 0.0])
def test_the_largest_and_smallest_answers_still_make_a_forecast(value: float) -> None:
    outputs = np.zeros(SHAPE, dtype=np.float32)
    outputs[:, :, ::2] = value
    _check(_forecast(outputs))


def test_answers_are_log_ratios_beyond_the_base_ten_times_too_large() -> None:
    outputs = np.zeros(SHAPE, dtype=np.float32)
    outputs[:] = np.array([-3, -2, -1, 0.5, 1, 2, 3])
    forecast = _forecast(outputs, log_last=float(np.log(1000)))
    np.testing.assert_allclose(forecast.median[0], 1000 * np.exp(0.05 + np.linspace(-0.2, 0.2, 7)))
    lower, upper = forecast.interval(80)
    np.testing.assert_allclose(lower[0, 0], 1000 * np.exp(-0.2 - 0.2))
    np.testing.assert_allclose(upper[0, 0], 1000 * np.exp(0.2 - 0.2))


def test_an_interval_has_its_own_quantiles() -> None:
    quantiles = np.arange(7.0)[None, None] + np.zeros(SHAPE)
    forecast = Forecast(quantiles, SPEC.quantile_levels)
    assert {level: tuple(bound[0, 0] for bound in forecast.interval(level)) for level in SPEC.levels} == {
        50: (2, 4),
        80: (1, 5),
        95: (0, 6),
    }
    with pytest.raises(ValueError, match="not in tuple"):
        forecast.interval(90)


def test_a_model_gets_the_last_context_of_a_window_and_metadata_only_if_it_wants_them() -> None:
    panel = build_long_panel()
    history = panel.history(*every_track(panel, 480), LEAD_IN + 50)
    spec = SPEC.with_metadata()
    windows = build_windows(history, panel.covariates, spec)
    inputs = model_inputs(windows, spec)
    assert sorted(inputs) == ["artist", "covariates", "static"]
    np.testing.assert_array_equal(inputs["covariates"], windows.covariates[:, -28:])
    assert {values.dtype for values in inputs.values()} == {np.dtype(np.float32)}
    assert sorted(model_inputs(build_windows(history, panel.covariates, SPEC), SPEC)) == ["covariates"]
