"""Every model goes: built, fitted, exported, saved, loaded, equal, published, served."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest

from app.config import SHIPPED_BUNDLES
from app.forecasting.forecaster import Batch, Forecaster, model_inputs
from app.forecasting.spec import ForecastSpec
from app.forecasting.windows import build_windows
from app.model_store import ModelStore
from tests.training.conftest import TRAINED, VALIDATED, plan_of
from training.bundles import export_anew, load_keras, publish, read_backtest, start_bundle
from training.ensemble import average_candidates
from training.models.market import JoinQuantiles
from training.models.multi_input import FADED_AFTER, build_multi_input
from training.panel import Panel

CANDIDATES = ("lstm", "gru", "two_stage", "joint")
RECURRENT_LAYERS = ("recurrent", "hidden", "output")
EVERY_PART = (*CANDIDATES, "ensemble")
Pairs = tuple[np.ndarray, np.ndarray]


def _weights(model: keras.Model, layer: str) -> list[np.ndarray]:
    return [np.asarray(weight) for weight in model.get_layer(layer).get_weights()]


def _forecast(forecaster: Forecaster, panel: Panel, pairs: Pairs) -> np.ndarray:
    history = panel.history(*pairs, forecaster.grid_length)
    return forecaster.forecast(history, panel.covariates).quantiles


def _inputs(panel: Panel, spec: ForecastSpec, pairs: Pairs) -> dict[str, np.ndarray]:
    history = panel.history(*pairs, 28 + spec.context_length)
    return model_inputs(build_windows(history, panel.covariates, spec), spec)


@pytest.mark.parametrize("name", EVERY_PART)
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


@pytest.mark.parametrize("name", EVERY_PART)
def test_the_answers_differ_between_tracks_and_days(
    candidates: Path, name: str, panel: Panel, every_pair: Pairs
) -> None:
    running = start_bundle(candidates / name)
    answers = running.forecaster.run(_inputs(panel, running.bundle.spec, every_pair))
    assert len(np.unique(answers[:, 0, 3])) == len(answers)


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("lstm", {"LSTM": 1}),
        ("gru", {"GRU": 1}),
        ("two_stage", {"GRU": 1}),
        ("joint", {"LSTM": 1}),
        ("ensemble", {"LSTM": 2}),
    ],
)
def test_the_graphs_have_a_fused_recurrent_node_a_member_and_no_loop(
    candidates: Path, name: str, nodes: dict[str, int]
) -> None:
    graph = onnx.load(candidates / name / "model.onnx").graph
    assert _recurrent_nodes(graph) == nodes
    wants_metadata = name in ("two_stage", "joint")
    metadata = ["static", "artist"] if wants_metadata else []
    assert [i.name for i in graph.input] == ["covariates", "market", *metadata]
    assert [o.name for o in graph.output] == ["log_ratios"]
    market = onnx.load(candidates / name / "market.onnx").graph
    assert _recurrent_nodes(market) == {"GRU": sum(nodes.values())}
    assert [i.name for i in market.input] == ["market_channels"]


def _recurrent_nodes(graph: onnx.GraphProto) -> dict[str, int]:
    operators = [each.op_type for each in graph.node]
    assert not {"Loop", "Scan", "If"}.intersection(operators)
    return {kind: operators.count(kind) for kind in ("LSTM", "GRU") if kind in operators}


@pytest.mark.parametrize("name", EVERY_PART)
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


def test_a_bundle_exported_anew_is_the_same_model_under_the_next_version(
    candidates: Path, panel: Panel, every_pair: Pairs, tmp_path: Path
) -> None:
    published = publish(candidates / "joint", tmp_path, {"regions": {}})
    anew = export_anew(published, tmp_path)
    assert anew == tmp_path / "multi_input" / "2"
    one, other = (start_bundle(folder) for folder in (published, anew))
    assert replace(other.bundle, version=1, golden=one.bundle.golden) == one.bundle
    assert (anew / "model.keras").read_bytes() == (published / "model.keras").read_bytes()
    np.testing.assert_array_equal(
        _forecast(one.forecaster, panel, every_pair), _forecast(other.forecaster, panel, every_pair)
    )


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
    track = after.get_layer("track")
    for layer in RECURRENT_LAYERS:
        kept = _weights(track.get_layer("recurrent_part"), layer)
        for one, other in zip(_weights(before.get_layer("track"), layer), kept, strict=True):
            assert one.tobytes() == other.tobytes()
    for one, other in zip(before.get_layer("market").weights, after.get_layer("market").weights, strict=True):
        assert one.numpy().tobytes() == other.numpy().tobytes()
    assert np.abs(_weights(track, "correction")[0]).max() > 0  # the second stage learned something


def test_a_joint_fit_moves_both_parts(candidates: Path, panel: Panel) -> None:
    fresh = plan_of(panel, "multi_input").build_track()
    fitted = load_keras(candidates / "joint").get_layer("track")
    assert len(fresh.trainable_weights) == len(fresh.weights)
    for before, after in zip(fresh.get_weights(), fitted.get_weights(), strict=True):
        assert (before != after).any()


def test_with_nothing_learned_the_multi_input_model_is_its_recurrent_part(
    candidates: Path, panel: Panel, every_pair: Pairs
) -> None:
    spec = ForecastSpec().with_metadata()
    inputs = _inputs(panel, spec, every_pair)
    for name in ("lstm", "gru"):
        part = load_keras(candidates / name).get_layer("track")
        expected = np.asarray(part({"covariates": inputs["covariates"]}))
        found = np.asarray(build_multi_input(spec, part)(inputs))
        np.testing.assert_array_equal(found, expected)


def test_metadata_change_what_a_fitted_multi_input_model_answers(
    candidates: Path, panel: Panel, every_pair: Pairs
) -> None:
    running = start_bundle(candidates / "joint")
    inputs = _inputs(panel, running.bundle.spec, every_pair)
    answer = running.forecaster.run(inputs)
    new = inputs["covariates"][:, -1, spec_index("observed_days")] < FADED_AFTER
    for name in ("static", "artist"):
        without = {**inputs, name: np.zeros_like(inputs[name])}
        changed = (answer != running.forecaster.run(without)).any(axis=(1, 2))
        assert changed[new].any()
        assert not changed[~new].any()  # of a track with a past of its own metadata say nothing


def spec_index(name: str) -> int:
    return ForecastSpec().covariates.index(name)


def test_an_ensemble_is_the_mean_of_its_members_part_by_part_and_lists_them(
    candidates: Path, panel: Panel, every_pair: Pairs
) -> None:
    inputs = _inputs(panel, ForecastSpec(), every_pair)
    members = [load_keras(candidates / name) for name in ("lstm", "lstm_2")]
    whole = load_keras(candidates / "ensemble")
    expected = np.mean([np.asarray(member.get_layer("track")(inputs)) for member in members], axis=0)
    np.testing.assert_allclose(np.asarray(whole.get_layer("track")(inputs)), expected, atol=1e-5)
    record = start_bundle(candidates / "ensemble").bundle.training
    assert [member["settings"]["seed"] for member in record["members"]] == [1, 2]


def test_an_ensemble_of_unlike_members_is_refused(candidates: Path, tmp_path: Path) -> None:
    for names, fault in ((["lstm", "gru"], "same name"), (["lstm"], "two candidates at least")):
        with pytest.raises(ValueError, match=fault):
            average_candidates([candidates / name for name in names], tmp_path / "none")


def test_quantiles_of_independent_errors_join_about_their_medians() -> None:
    levels = ForecastSpec().quantile_levels
    spread = np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0])
    joined = np.asarray(JoinQuantiles(levels)([3 * spread + 5, 4 * spread - 2]))
    np.testing.assert_allclose(joined, 5 * spread + 3, rtol=1e-6)


def test_a_candidate_without_a_backtest_is_not_published(candidates: Path) -> None:
    with pytest.raises(FileNotFoundError, match="has no backtest: run python -m training backtest"):
        read_backtest(candidates / "lstm", "lstm")


def test_a_bundle_that_ships_is_loaded_by_a_process_that_has_trained_none() -> None:
    [bundle] = (SHIPPED_BUNDLES / "gru").iterdir()
    load = "import sys, pathlib, training.bundles as b; b.load_keras(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", load, str(bundle)], check=True, capture_output=True, timeout=120)
