"""Networks of rows: the graph is the network; what is published is served, swapped, refused as others are."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.forecasting.bundle_files import BadBundleError, Golden
from app.forecasting.row_bundle import ROWS, RowBundle, load_row_bundle, save_row_bundle
from app.forecasting.versions import write_pin
from app.model_store import ModelStore
from app.runtime import build_row_run
from training.dense import Dense
from training.row_models import (
    Block,
    Layer,
    build_row_bundle,
    build_row_graph,
    invent_rows,
    publish_row_model,
    standardised,
)

INPUTS = ("one", "two", "three")
BLOCKS = (Block(("low", "high"), "softmax"), Block(("score",), "sigmoid"), Block(("rank",)))


def _layers(seed: int = 1) -> list[Layer]:
    random = np.random.Generator(np.random.PCG64(seed))
    sizes = [(3, 5), (5, 4), (4, 4)]
    dense = [Dense(random.normal(size=size), random.normal(size=size[1])) for size in sizes]
    return [Layer(dense[0], "tanh"), Layer(dense[1], "relu"), Layer(dense[2])]


def _answer(layers: list[Layer], rows: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    first, second, last = (layer.dense for layer in layers)
    hidden = np.maximum(np.tanh(rows @ first.kernel + first.bias) @ second.kernel + second.bias, 0)
    linear = hidden @ last.kernel + last.bias
    shares = np.exp(linear[:, :2]) / np.exp(linear[:, :2]).sum(axis=1, keepdims=True)
    answer: NDArray[np.float64] = np.concatenate(
        [shares, 1 / (1 + np.exp(-linear[:, 2:3])), linear[:, 3:]], axis=1
    )
    return answer


def _bundle(seed: int = 1) -> RowBundle:
    rows = invent_rows(len(INPUTS))
    return build_row_bundle(
        "presence",
        inputs=INPUTS,
        blocks=BLOCKS,
        layers=_layers(seed),
        golden=Golden({ROWS: rows}, _answer(_layers(seed), rows).astype(np.float32)),
        trained_through="2020-12-31",
        training={"epochs": 3},
        backtest={"folds": {}},
    )


def _publish(bundle: RowBundle, models_dir: Path, candidate: Path) -> Path:
    save_row_bundle(bundle, candidate, {})
    return publish_row_model(candidate, models_dir)


def test_the_graph_answers_as_the_layers_do() -> None:
    rows = invent_rows(len(INPUTS), seed=4)
    answer = build_row_run(build_row_graph(_layers(), BLOCKS))(rows)
    np.testing.assert_allclose(answer, _answer(_layers(), rows), atol=1e-6)


def test_standardising_is_folded_into_the_first_layer() -> None:
    first = _layers()[0].dense
    mean, scale = np.array([10.0, -3.0, 0.5]), np.array([2.0, 5.0, 0.1])
    raw = mean + scale * invent_rows(3)
    folded = standardised(first, mean, scale)
    np.testing.assert_allclose(
        raw @ folded.kernel + folded.bias, ((raw - mean) / scale) @ first.kernel + first.bias
    )


def test_blocks_that_are_not_the_outputs_are_refused() -> None:
    with pytest.raises(ValueError, match="blocks of 1 outputs on a layer of 4"):
        build_row_graph(_layers(), BLOCKS[1:2])


def test_a_graph_that_is_off_the_network_is_no_bundle() -> None:
    golden = Golden({ROWS: invent_rows(3)}, np.zeros((8, 4), np.float32))
    with pytest.raises(ValueError, match="off the network"):
        build_row_bundle(
            "presence",
            inputs=INPUTS,
            blocks=BLOCKS,
            layers=_layers(),
            golden=golden,
            trained_through="2020-12-31",
            training={},
            backtest={},
        )


def test_a_bundle_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    saved = _bundle()
    save_row_bundle(saved, tmp_path / "candidate", {})
    loaded = load_row_bundle(tmp_path / "candidate")
    assert (loaded.inputs, loaded.outputs) == (INPUTS, ("low", "high", "score", "rank"))
    assert replace(loaded, golden=saved.golden) == saved
    np.testing.assert_array_equal(loaded.golden.outputs, saved.golden.outputs)


def test_the_newest_is_served_and_a_pin_holds_it_back(tmp_path: Path) -> None:
    models = tmp_path / "models"
    for seed in (1, 2):
        _publish(_bundle(seed), models, tmp_path / f"candidate-{seed}")
    store = ModelStore([models])
    store.load()
    assert store.row_models["presence"].bundle.version == 2
    assert not store.models
    write_pin(models, "presence", 1)
    assert store.follow()
    served = store.row_models["presence"]
    assert served.bundle.version == 1
    rows = invent_rows(3, seed=9)
    np.testing.assert_allclose(served.run(rows), _answer(_layers(1), rows), atol=1e-6)


def test_one_that_was_edited_is_refused_and_the_old_one_serves_on(tmp_path: Path) -> None:
    models = tmp_path / "models"
    _publish(_bundle(1), models, tmp_path / "candidate-1")
    store = ModelStore([models])
    store.load()
    edited = _publish(_bundle(2), models, tmp_path / "candidate-2") / "spec.json"
    described = json.loads(edited.read_bytes())
    edited.write_text(json.dumps(described | {"inputs": ["two", "one", "three"]}))
    store.load()
    assert store.row_models["presence"].bundle.version == 1
    assert "spec.json is not the file that was published" in store.refused["presence/2"]


def test_one_with_golden_rows_of_other_columns_is_refused(tmp_path: Path) -> None:
    save_row_bundle(replace(_bundle(), inputs=("one", "two")), tmp_path / "candidate", {})
    with pytest.raises(BadBundleError, match="rows of other columns"):
        load_row_bundle(tmp_path / "candidate")


def test_one_that_answers_otherwise_than_when_it_was_published_is_refused(tmp_path: Path) -> None:
    other = replace(_bundle(1), graph=_bundle(2).graph)
    save_row_bundle(other, tmp_path / "candidate", {})
    with pytest.raises(BadBundleError, match="off its golden windows"):
        publish_row_model(tmp_path / "candidate", tmp_path / "models")
