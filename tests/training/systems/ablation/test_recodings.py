"""Numbers written otherwise mean the same, and what a model learned on is what it is asked with."""

import numpy as np
import pytest

from app.forecasting.forecaster import Batch, Forecaster
from app.forecasting.scaling import unscale_log_ratio
from app.forecasting.spec import ForecastSpec
from tests.panels import build_long_panel
from training.cutting import build_windows_at
from training.dataset import build_examples
from training.panel import Panel
from training.systems.ablation.recodings import MIN_MAX, PLAIN, RATIOS, SERIES, UNSCALED, Recoding

SPEC = ForecastSpec()
CUTOFF = 500


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Ten tracks."""
    return build_long_panel()


def _covariates(panel: Panel, steps: int) -> np.ndarray:
    tracks = np.flatnonzero(np.isfinite(panel.streams[:, CUTOFF - 1 : CUTOFF + 1]).all(axis=1))
    spec = ForecastSpec(context_length=steps)
    return build_windows_at(panel, tracks, np.full_like(tracks, CUTOFF), spec).covariates


@pytest.mark.parametrize("recoding", [PLAIN, UNSCALED, MIN_MAX])
def test_outputs_undo_targets(recoding: Recoding) -> None:
    targets = np.linspace(-20, 20, 101, dtype=np.float32)
    np.testing.assert_allclose(recoding.outputs(recoding.targets(targets)), targets, rtol=1e-4, atol=1e-4)


def test_a_plain_ratio_is_one_of_streams(panel: Panel) -> None:
    tracks = np.flatnonzero(np.isfinite(panel.streams[:, CUTOFF - 1 : CUTOFF + 1]).all(axis=1))
    plain = PLAIN.inputs(_covariates(panel, 28), SPEC.covariates)
    ratio = panel.streams[tracks, CUTOFF] / panel.streams[tracks, CUTOFF - 1]
    found = plain[:, -1, SPEC.covariates.index("log_ratio")]
    np.testing.assert_allclose(found, 10 * (ratio - 1), rtol=1e-4, atol=1e-5)


def test_a_ratio_of_nothing_or_less_is_forecast_as_a_very_small_one() -> None:
    assert np.isfinite(PLAIN.outputs(np.array([-1e6, -10.0], dtype=np.float32))).all()


def test_without_the_scales_a_log_ratio_is_itself_and_a_position_counts(panel: Panel) -> None:
    covariates = _covariates(panel, 28)
    bare = UNSCALED.inputs(covariates, SPEC.covariates)
    for name, expected in (("log_ratio", unscale_log_ratio), ("position", lambda x: 200 * x)):
        at = SPEC.covariates.index(name)
        np.testing.assert_allclose(bare[:, :, at], expected(covariates[:, :, at]), rtol=1e-5)


def test_min_max_spans_0_to_1_over_the_days_up_to_each_step_and_leaves_flags(panel: Panel) -> None:
    covariates = _covariates(panel, 90)
    scaled = MIN_MAX.inputs(covariates, SPEC.covariates)
    for i, name in enumerate(SPEC.covariates):
        if name not in SERIES:
            np.testing.assert_array_equal(scaled[:, :, i], covariates[:, :, i])
            continue
        assert scaled[:, :, i].min() >= 0
        assert scaled[:, :, i].max() <= 1
        last = covariates[:, -28:, i]
        span = np.maximum(np.ptp(last, axis=1), 1e-9)
        np.testing.assert_allclose(scaled[:, -1, i], (last[:, -1] - last.min(axis=1)) / span, atol=1e-5)


@pytest.mark.parametrize("recoding", [PLAIN, UNSCALED, MIN_MAX])
def test_a_model_is_asked_with_the_numbers_that_it_learned_on(panel: Panel, recoding: Recoding) -> None:
    asked: list[Batch] = []

    def run(batch: Batch) -> np.ndarray:
        asked.append(batch)
        return np.zeros((len(batch["covariates"]), 7, 7), dtype=np.float32)

    forecaster = recoding.of_forecaster(Forecaster(SPEC, run))
    tracks = np.flatnonzero(np.isfinite(panel.streams[:, CUTOFF]))
    cutoffs = np.full_like(tracks, CUTOFF)
    forecaster.forecast_windows(build_windows_at(panel, tracks, cutoffs, forecaster.spec))
    learned = recoding.inputs(_stretch(panel, tracks), SPEC.covariates)
    np.testing.assert_allclose(asked[0]["covariates"], learned[:, -28:], rtol=1e-5, atol=1e-6)


def _stretch(panel: Panel, tracks: np.ndarray) -> np.ndarray:
    return build_windows_at(
        panel, tracks, np.full_like(tracks, CUTOFF), ForecastSpec(context_length=83)
    ).covariates


def test_targets_are_written_as_inputs_are(panel: Panel) -> None:
    period = {"after": panel.days[450], "through": panel.days[CUTOFF]}
    examples = build_examples(panel, SPEC, **period, power=1.0)
    plain = PLAIN.of_examples(examples, SPEC.covariates)
    known = np.isfinite(examples.targets)
    np.testing.assert_array_equal(np.isfinite(plain.targets), known)
    np.testing.assert_allclose(
        plain.targets[known], 10 * np.expm1(examples.targets[known] / 10), rtol=1e-4, atol=1e-5
    )
    assert set(RATIOS) <= set(SPEC.covariates)
