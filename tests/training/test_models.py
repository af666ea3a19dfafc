"""Every model goes: built, fitted, exported, saved, loaded, equal, published, served."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest

from app.forecasting.forecaster import Batch, Forecaster, model_inputs
from app.forecasting.spec import ForecastSpec
from app.forecasting.windows import build_windows
from app.model_store import ModelStore
from tests.training.conftest import TRAINED, VALIDATED, plan_of
from training.bundles import load_keras, publish, read_backtest, start_bundle
from training.models.multi_input import build_multi_input
from training.panel import Panel

CANDIDATES = ("lstm", "gru", "two_stage", "joint")
RECURRENT_LAYERS = ("recurrent", "hidden", "output")
Pairs = tuple[np.ndarray, np.ndarray]


def _weights(model: keras.Model, layer: str) -> list[np.ndarray]:
    return [np.asarray(weight) for weight in model.get_layer(layer).get_weights()]


def _forecast(forecaster: Forecaster, panel: Panel, pairs: Pairs) -> np.ndarray:
    history = panel.history(*pairs, forecaster.grid_length)
    return forecaster.forecast(history, panel.covariates).quantiles


def _inputs(panel: Panel, spec: ForecastSpec, pairs: Pairs) -> dict[str, np.ndarray]:
    history = panel.history(*pairs, 28 + spec.context_length)
    return model_inputs(build_windows(history, panel.covariates, spec), spec)


@pytest.mark.parametrize("name", CANDIDATES)
def test_the_graph_answers_as_keras_does(
    candidates: Path, name: str, panel: Panel, every_pair: Pairs
) -> None:
    running, model = start_bundle(candidates / name), load_keras(candidates / name)

    def run_keras(batch: Batch) -> np.ndarray:
        return np.asarray(model(dict(batch)))[:, -1]

    inputs = _inputs(panel, running.bundle.spec, every_pair)
    assert len(inputs["covariates"]) > 100
    np.testing.assert_allclose(running.forecaster.run(inputs), run_keras(inputs), atol=1e-4)
    np.testing.assert_allclose(
        _forecast(running.forecaster, panel, every_pair),
        _forecast(Forecaster(running.bundle.spec, run_keras), panel, every_pair),
        rtol=1e-4,
    )
    golden = running.bundle.golden
    np.testing.assert_allclose(run_keras(golden.inputs), golden.outputs, atol=1e-5)


@pytest.mark.parametrize("name", CANDIDATES)
def test_the_answers_differ_between_tracks_and_days(
    candidates: Path, name: str, panel: Panel, every_pair: Pairs
) -> None:
    running = start_bundle(candidates / name)
    answers = running.forecaster.run(_inputs(panel, running.bundle.spec, every_pair))
    assert len(np.unique(answers[:, 0, 3])) == len(answers)


@pytest.mark.parametrize(
    ("name", "node"), [("lstm", "LSTM"), ("gru", "GRU"), ("two_stage", "GRU"), ("joint", "LSTM")]
)
def test_the_graph_has_one_fused_recurrent_node_and_no_loop(candidates: Path, name: str, node: str) -> None:
    graph = onnx.load_model_from_string((candidates / name / "model.onnx").read_bytes()).graph
    operators = [each.op_type for each in graph.node]
    assert operators.count(node) == 1
    assert not {"Loop", "Scan", "If"}.intersection(operators)
    wants_metadata = name in ("two_stage", "joint")
    assert [i.name for i in graph.input] == ["covariates", *(["static"] if wants_metadata else [])]
    assert [o.name for o in graph.output] == ["log_ratios"]


@pytest.mark.parametrize("name", CANDIDATES)
def test_a_candidate_is_published_as_the_next_version_and_served(
    candidates: Path, name: str, panel: Panel, every_pair: Pairs, tmp_path: Path
) -> None:
    figures: dict[str, Any] = {"regions": {}, "cutoffs": ["2020-12-20", "2020-12-21"]}
    model = start_bundle(candidates / name).bundle.name
    for version in (1, 2):
        assert publish(candidates / name, tmp_path, figures) == tmp_path / model / str(version)
    store = ModelStore([tmp_path])
    assert not store.load().refused
    served = store.models[model]
    assert served.bundle.version == 2
    assert served.bundle.backtest == figures
    assert served.bundle.trained_through == str(panel.days[TRAINED])
    assert "published" in served.bundle.training
    np.testing.assert_array_equal(
        _forecast(served.forecaster, panel, every_pair),
        _forecast(start_bundle(candidates / name).forecaster, panel, every_pair),
    )
    kept, made = load_keras(tmp_path / model / "2"), load_keras(candidates / name)
    for one, other in zip(kept.get_weights(), made.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_candidate_says_how_it_was_made(candidates: Path, panel: Panel) -> None:
    lstm, gru, two_stage = (
        json.loads((candidates / name / "spec.json").read_text()) for name in ("lstm", "gru", "two_stage")
    )
    assert lstm["version"] == 0
    assert lstm["trained_through"] == gru["trained_through"] == str(panel.days[TRAINED])
    assert lstm["training"]["epochs"] == 2
    assert lstm["training"]["validated_through"] is None
    assert gru["training"]["validated_through"] == str(panel.days[VALIDATED])
    validation = gru["training"]["validation_loss"]
    assert len(validation) == 2
    assert gru["training"]["epochs"] == int(np.argmin(validation)) + 1
    assert two_stage["training"]["recurrent"] == "gru"
    # the days that chose the recurrent part's epochs count as seen
    assert two_stage["training"]["validated_through"] == str(panel.days[VALIDATED])
    assert lstm["training"]["data"] == gru["training"]["data"]


def test_the_recurrent_part_of_two_stages_stays_as_it_was_to_the_bit(candidates: Path) -> None:
    before, after = load_keras(candidates / "gru"), load_keras(candidates / "two_stage")
    for layer in RECURRENT_LAYERS:
        for one, other in zip(_weights(before, layer), _weights(after, layer), strict=True):
            assert one.tobytes() == other.tobytes()
    assert np.abs(_weights(after, "correction")[0]).max() > 0  # the second stage learned something


def test_a_joint_fit_moves_both_parts(candidates: Path, panel: Panel) -> None:
    fresh, fitted = plan_of(panel, "multi_input").build_model(), load_keras(candidates / "joint")
    assert len(fresh.trainable_weights) == len(fresh.weights)
    for before, after in zip(fresh.get_weights(), fitted.get_weights(), strict=True):
        assert (before != after).any()


def test_with_nothing_learned_the_multi_input_model_is_its_recurrent_part(
    candidates: Path, panel: Panel, every_pair: Pairs
) -> None:
    spec = ForecastSpec().with_metadata()
    inputs = _inputs(panel, spec, every_pair)
    for name in ("lstm", "gru"):
        part = load_keras(candidates / name)
        expected = np.asarray(part({"covariates": inputs["covariates"]}))
        found = np.asarray(build_multi_input(spec, load_keras(candidates / name))(inputs))
        np.testing.assert_array_equal(found, expected)


def test_metadata_change_what_a_fitted_multi_input_model_answers(
    candidates: Path, panel: Panel, every_pair: Pairs
) -> None:
    running = start_bundle(candidates / "joint")
    inputs = _inputs(panel, running.bundle.spec, every_pair)
    without = {**inputs, "static": np.zeros_like(inputs["static"])}
    assert (running.forecaster.run(inputs) != running.forecaster.run(without)).any()


def test_a_candidate_without_a_backtest_is_not_published(candidates: Path) -> None:
    with pytest.raises(FileNotFoundError, match="has no backtest: run python -m training backtest"):
        read_backtest(candidates / "lstm", "lstm")
