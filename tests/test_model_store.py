"""Of each model the newest version that loads is served, and what was refused is on the list."""

import errno
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from app.forecasting.bundle_files import BadBundleError, digest_of
from app.forecasting.versions import PINS, write_pin
from app.model_store import ModelStore, start_model
from app.runtime import CHUNK, build_run
from tests.small_bundles import SPEC, build_small_graph, publish_small, small_run


def _answer(store: ModelStore, name: str = "lstm") -> float:
    """What tells the small models apart."""
    zeros = {"covariates": np.zeros((1, SPEC.context_length, len(SPEC.covariates)), np.float32)}
    return float(store.models[name].forecaster.run(zeros)[0, 0, 0])


def _break(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"cut short")


def test_nothing_is_served_before_loading_and_from_folders_that_are_not_there(tmp_path: Path) -> None:
    publish_small(tmp_path)
    store = ModelStore([tmp_path])
    assert not store.models
    assert not ModelStore([tmp_path / "absent"]).load().models


def test_the_newest_version_is_served(tmp_path: Path) -> None:
    for version in (1, 2, 10):
        publish_small(tmp_path, version=version, answer=version / 4)
    publish_small(tmp_path, "gru", version=3, answer=0.125)
    store = ModelStore([tmp_path])
    store.load()
    assert {name: model.bundle.version for name, model in store.models.items()} == {"lstm": 10, "gru": 3}
    assert _answer(store) == 2.5
    assert _answer(store, "gru") == 0.125
    assert not store.refused


def test_a_version_that_does_not_load_is_refused_by_name_and_the_one_before_it_served(tmp_path: Path) -> None:
    publish_small(tmp_path, version=1, answer=0.25)
    _break(publish_small(tmp_path, version=2))
    _break(publish_small(tmp_path, version=3))
    store = ModelStore([tmp_path])
    store.load()
    assert _answer(store) == 0.25
    assert sorted(store.refused) == ["lstm/2", "lstm/3"]
    assert "model.onnx is not the file that was published" in store.refused["lstm/3"]


def test_a_model_with_no_version_that_loads_is_not_served(tmp_path: Path) -> None:
    _break(publish_small(tmp_path))
    store = ModelStore([tmp_path])
    store.load()
    assert not store.models
    assert list(store.refused) == ["lstm/1"]


def test_of_one_version_in_two_folders_the_later_folders_counts(tmp_path: Path) -> None:
    shipped, published = tmp_path / "shipped", tmp_path / "published"
    publish_small(shipped, version=1, answer=0.25)
    publish_small(published, version=1, answer=0.75)
    publish_small(shipped, "gru", version=2, answer=0.5)
    publish_small(published, "gru", version=1, answer=0.125)
    store = ModelStore([shipped, published])
    store.load()
    assert _answer(store) == 0.75
    assert _answer(store, "gru") == 0.5  # a newer version counts wherever it is


def test_loading_anew_swaps_in_one_step(tmp_path: Path) -> None:
    publish_small(tmp_path, version=1, answer=0.25)
    store = ModelStore([tmp_path])
    store.load()
    taken = store.models
    publish_small(tmp_path, version=2, answer=0.75)
    publish_small(tmp_path, "gru", version=1)
    assert _answer(store) == 0.25
    store.load()
    assert _answer(store) == 0.75
    assert sorted(store.models) == ["gru", "lstm"]
    # a request that took the models before sees them as they were
    assert list(taken) == ["lstm"]
    assert taken["lstm"].bundle.version == 1


def _serving(folder: Path, *versions: int) -> ModelStore:
    """A store that serves the newest of small models that each answer a quarter of their version."""
    for version in versions:
        publish_small(folder, version=version, answer=version / 4)
    store = ModelStore([folder])
    store.load()
    return store


def test_a_served_bundle_that_is_damaged_on_disk_is_served_on(tmp_path: Path) -> None:
    store = _serving(tmp_path, 1, 2)
    running = store.models["lstm"]
    _break(tmp_path / "lstm" / "2")
    store.load()
    assert store.models["lstm"] is running
    assert list(store.refused) == ["lstm/2"]
    publish_small(tmp_path, version=3, answer=0.75)
    store.load()
    assert (_answer(store), store.refused) == (0.75, {})


def test_a_served_bundle_that_is_taken_away_gives_way_to_the_one_before_it(tmp_path: Path) -> None:
    store = _serving(tmp_path, 1, 2)
    shutil.rmtree(tmp_path / "lstm" / "2")
    store.load()
    assert _answer(store) == 0.25


def test_a_folder_of_bundles_that_goes_away_changes_nothing_and_is_looked_for_again(tmp_path: Path) -> None:
    publish_small(tmp_path / "shipped", version=1)
    publish_small(tmp_path / "models", version=2, answer=0.75)
    store = ModelStore([tmp_path / "shipped", tmp_path / "models"])
    store.load()
    (tmp_path / "models").rename(tmp_path / "away")
    assert store.follow()
    assert (_answer(store), list(store.refused.values())) == (0.75, ["the folder is gone"])
    publish_small(tmp_path / "away", version=3, answer=0.5)
    (tmp_path / "away").rename(tmp_path / "models")
    assert store.follow()
    assert (_answer(store), store.refused) == (0.5, {})


def test_a_bundle_that_did_not_change_is_not_started_again(tmp_path: Path) -> None:
    store = _serving(tmp_path, 1)
    running = store.models["lstm"]
    store.load()
    assert store.models["lstm"] is running


def test_what_changes_on_disk_is_followed_and_nothing_is_loaded_where_nothing_did(tmp_path: Path) -> None:
    store = _serving(tmp_path, 1)
    assert not store.follow()
    folder = publish_small(tmp_path, version=2)
    whole = (folder / "model.onnx").read_bytes()
    _break(folder)
    assert store.follow()
    assert (_answer(store), list(store.refused)) == (0.25, ["lstm/2"])
    assert not store.follow()
    (folder / "model.onnx").write_bytes(whole)  # as the end of a slow copy
    assert store.follow()
    assert (_answer(store), store.refused) == (0.5, {})


def test_a_bundle_that_could_not_be_read_for_a_while_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_small(tmp_path)
    store = ModelStore([tmp_path])
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", _fail_to_open)
        assert not store.load().models
    assert store.follow()
    assert store.models
    assert not store.follow()


def _fail_to_open(_path: Path) -> bytes:
    raise OSError(errno.EMFILE, "Too many open files")


def test_a_pinned_version_is_served_though_a_newer_one_is_there_until_the_pin_goes(tmp_path: Path) -> None:
    store = _serving(tmp_path, 1, 2, 3)
    write_pin(tmp_path, "lstm", 2)
    assert store.follow()
    assert (_answer(store), store.pinned, store.refused) == (0.5, {"lstm": 2}, {})
    publish_small(tmp_path, version=4)
    store.load()
    assert _answer(store) == 0.5
    again = ModelStore([tmp_path])  # after a restart
    assert again.load().models["lstm"].bundle.version == 2
    write_pin(tmp_path, "lstm", None)
    assert store.follow()
    assert (store.models["lstm"].bundle.version, store.pinned) == (4, {})


def test_a_pin_to_a_version_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    store = _serving(tmp_path, 2, 3)
    write_pin(tmp_path, "lstm", 1)
    store.load()
    assert _answer(store) == 0.75
    assert store.refused == {"lstm/1": "serving.json names it, and it is not there"}


@pytest.mark.parametrize("content", ["", "{", "[]", '{"lstm": "2"}', '{"lstm": true}', "[" * 100_000])
def test_pins_that_cannot_be_read_change_nothing(tmp_path: Path, content: str) -> None:
    store = _serving(tmp_path, 1)
    (tmp_path / PINS).write_text(content)
    publish_small(tmp_path, version=2)
    store.load()
    assert (_answer(store), list(store.refused)) == (0.25, [PINS])
    # and a start does not guess at what the operator meant
    assert not ModelStore([tmp_path]).load().models


def test_a_bundle_that_was_copied_to_another_version_is_refused(tmp_path: Path) -> None:
    publish_small(tmp_path, version=1).rename(tmp_path / "lstm" / "4")
    store = ModelStore([tmp_path])
    store.load()
    assert "lstm/1" in store.refused["lstm/4"]


def test_a_graph_with_other_weights_than_its_golden_windows_is_refused(tmp_path: Path) -> None:
    folder, other = publish_small(tmp_path, answer=0.5), publish_small(tmp_path, version=2, answer=0.6)
    (folder / "model.onnx").write_bytes((other / "model.onnx").read_bytes())
    described, of_other = (json.loads((path / "spec.json").read_text()) for path in (folder, other))
    described["files"]["model.onnx"] = of_other["files"]["model.onnx"]
    (folder / "spec.json").write_text(json.dumps(described | {"digest": digest_of(described)}))
    with pytest.raises(BadBundleError, match=r"off its golden windows by 0\.1"):
        start_model(folder)


@pytest.mark.parametrize("graph", [b"", b"no graph", build_small_graph(0.5)[:-40]])
def test_bytes_that_are_no_graph_are_refused(graph: bytes) -> None:
    with pytest.raises(BadBundleError, match="cannot be loaded"):
        build_run(graph)


def _with_weights_in(path: str) -> bytes:
    """The graph that answers 0.5 in ``small_run``, with its weights left to a file."""
    model = onnx.load_from_string(build_small_graph(0.5))
    weights = next(tensor for tensor in model.graph.initializer if tensor.name == "answer")
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=path)
    content: bytes = model.SerializeToString()
    return content


@pytest.mark.parametrize(
    "path", ["weights.bin", "./weights.bin", "../{folder}/weights.bin", "{whole}/weights.bin"]
)
def test_weights_in_a_file_that_no_hash_vouches_for_are_refused(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights.bin").write_bytes(
        np.full((SPEC.horizon, len(SPEC.quantile_levels)), 0.5, np.float32).tobytes()
    )
    monkeypatch.chdir(tmp_path)
    graph = _with_weights_in(path.format(folder=tmp_path.name, whole=tmp_path))
    with pytest.raises(BadBundleError, match="External data path validation failed"):
        build_run(graph)


def test_an_operator_that_the_runtime_itself_does_not_have_is_refused() -> None:
    model = onnx.load_from_string(build_small_graph(0.5))
    model.graph.node[-1].domain = "of.a.library"
    model.opset_import.append(onnx.helper.make_opsetid("of.a.library", 1))
    with pytest.raises(BadBundleError, match=r"of\.a\.library:Add.* is not a registered function"):
        build_run(model.SerializeToString())


@pytest.mark.parametrize("n_windows", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_chunks_answer_as_one_batch_would(n_windows: int) -> None:
    random = np.random.Generator(np.random.PCG64(1))
    shape = (n_windows, SPEC.context_length, len(SPEC.covariates))
    batch = {"covariates": random.normal(size=shape).astype(np.float32)}
    found = build_run(build_small_graph(0.5))(batch)
    np.testing.assert_allclose(found, small_run(0.5)(batch), atol=1e-6)
