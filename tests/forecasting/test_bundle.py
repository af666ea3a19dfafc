"""A bundle is whole or refused, and is data: reading it runs nothing."""

import hashlib
import io
import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.forecasting.bundle import load_bundle, replay_golden, save_bundle
from app.forecasting.bundle_files import BadBundleError, Golden, digest_of, list_versions
from app.forecasting.residuals import Residuals
from app.forecasting.spec import ForecastSpec
from tests.small_bundles import build_small_bundle, small_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle on disk."""
    save_bundle(build_small_bundle(), tmp_path / "lstm" / "1", {"model.keras": b"weights"})
    return tmp_path / "lstm" / "1"


def _edit_spec(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    described = json.loads((folder / "spec.json").read_text())
    change(described)
    described["digest"] = digest_of(described)
    (folder / "spec.json").write_text(json.dumps(described))


def _swap(folder: Path, name: str, content: bytes) -> None:
    """Replace a file and its hash: what only a forger does."""
    (folder / name).write_bytes(content)
    _edit_spec(folder, lambda d: d["files"].update({name: hashlib.sha256(content).hexdigest()}))


def _pack(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def test_a_bundle_comes_back_as_it_was_saved(folder: Path) -> None:
    saved, loaded = build_small_bundle(), load_bundle(folder)
    assert replace(loaded, golden=saved.golden) == saved
    np.testing.assert_array_equal(loaded.golden.outputs, saved.golden.outputs)
    assert loaded.golden.inputs.keys() == saved.golden.inputs.keys()
    for name, values in saved.golden.inputs.items():
        np.testing.assert_array_equal(loaded.golden.inputs[name], values)
    assert (folder / "model.keras").read_bytes() == b"weights"
    assert sorted(path.name for path in folder.iterdir()) == [
        "backtest.json",
        "golden.npz",
        "model.keras",
        "model.onnx",
        "spec.json",
    ]


def test_a_save_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        save_bundle(build_small_bundle(), tmp_path / "lstm" / "1", {"no/such/folder": b""})
    assert not list((tmp_path / "lstm").iterdir())


def test_a_version_is_never_written_over(folder: Path) -> None:
    with pytest.raises(OSError, match="not empty"):
        save_bundle(build_small_bundle(answer=9.0), folder, {})
    assert load_bundle(folder).graph == build_small_bundle().graph
    assert [path.name for path in folder.parent.iterdir()] == ["1"]


@pytest.mark.parametrize("name", ["model.onnx", "backtest.json", "golden.npz"])
def test_a_truncated_file_is_named(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-7])
    with pytest.raises(BadBundleError, match=f"{name} is not the file that was published"):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["model.onnx", "backtest.json", "golden.npz", "spec.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BadBundleError, match=name):
        load_bundle(folder)


def test_golden_windows_of_another_bundle_are_refused(folder: Path, tmp_path: Path) -> None:
    save_bundle(build_small_bundle(version=2), tmp_path / "lstm" / "2", {})
    shutil.copy(tmp_path / "lstm" / "2" / "golden.npz", folder / "golden.npz")
    with pytest.raises(BadBundleError, match=r"golden\.npz is not the file that was published"):
        load_bundle(folder)


def test_an_edited_hash_is_refused(folder: Path) -> None:
    _edit_spec(folder, lambda d: d["files"].update({"model.onnx": "0" * 64}))
    with pytest.raises(BadBundleError, match=r"model\.onnx is not the file that was published"):
        load_bundle(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["spec"]["past_covariates"].reverse(),  # of the same shape: no golden window would tell
        lambda d: d.update(trained_through="2020-01-01"),
        lambda d: d.update(training=None),
        lambda d: d.update(digest="0" * 64),
    ],
)
def test_an_edited_description_is_refused(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    described = json.loads((folder / "spec.json").read_text())
    change(described)
    (folder / "spec.json").write_text(json.dumps(described))
    with pytest.raises(BadBundleError, match=r"spec\.json is not the file that was published"):
        load_bundle(folder)


def test_a_description_from_before_there_were_digests_is_read(folder: Path) -> None:
    described = json.loads((folder / "spec.json").read_text())
    del described["digest"]
    (folder / "spec.json").write_text(json.dumps(described))
    assert load_bundle(folder).name == "lstm"


def test_a_format_of_another_release_is_refused(folder: Path) -> None:
    _edit_spec(folder, lambda d: d.update(format=2))
    with pytest.raises(BadBundleError, match="has format 2, this release reads 1"):
        load_bundle(folder)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda d: d.pop("format"), "format"),
        (lambda d: d.pop("trained_through"), "trained_through"),
        (lambda d: d["files"].pop("golden.npz"), "golden.npz"),
        (lambda d: d["spec"].pop("horizon"), "horizon"),
        (lambda d: d["spec"].update(past_covariates=["moon_phase"]), "moon_phase"),
        (lambda d: d["spec"].update(context_length=14), "another spec"),
        (lambda d: d["spec"].update(quantile_levels=[0.1, 0.5, 0.9]), "another spec"),
        (lambda d: d["spec"].update(static_covariates=["energy"]), "another spec"),
        (lambda d: d.update(spec=[1]), "cannot be read"),
        (lambda d: d.update(files=None), "cannot be read"),
        (lambda d: d.update(version="one"), "one"),
    ],
)
def test_a_description_that_does_not_fit_is_refused_with_what_is_wrong(
    folder: Path, change: Callable[[dict[str, Any]], object], named: str
) -> None:
    _edit_spec(folder, change)
    with pytest.raises(BadBundleError, match=named):
        load_bundle(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe"])
def test_a_description_that_is_none_is_refused(folder: Path, content: bytes) -> None:
    (folder / "spec.json").write_bytes(content)
    with pytest.raises(BadBundleError, match="cannot be read as a bundle"):
        load_bundle(folder)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"plain", _pack(covariates=np.zeros(3))])
def test_golden_windows_that_are_none_are_refused(folder: Path, content: bytes) -> None:
    _swap(folder, "golden.npz", content)
    with pytest.raises(BadBundleError, match="cannot be read as a bundle"):
        load_bundle(folder)


class _Trap:
    """Unpickling it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def test_residuals_come_back_and_those_of_another_spec_or_damaged_ones_are_refused(tmp_path: Path) -> None:
    points = np.linspace(0, 3, 4 * 7 * 128 * 6).reshape(4, 7, 128, 6)
    residuals = Residuals(points, np.full((4, 7), 50.0), np.array([[0.8, 1.0]]))
    folder = tmp_path / "lstm" / "1"
    save_bundle(replace(build_small_bundle(), residuals=residuals), folder, {})
    loaded = load_bundle(folder).residuals
    assert loaded is not None
    np.testing.assert_allclose(loaded.points, points, atol=2e-3)
    assert loaded.error_ratio == 0.8
    _swap(folder, "residuals.npz", Residuals(points[:, :3], np.ones((4, 3)), np.ones((1, 2))).to_bytes())
    with pytest.raises(BadBundleError, match="residuals of another spec"):
        load_bundle(folder)
    (folder / "residuals.npz").write_bytes(b"")
    with pytest.raises(BadBundleError, match=r"residuals\.npz is not the file that was published"):
        load_bundle(folder)
    (folder / "residuals.npz").unlink()
    with pytest.raises(BadBundleError, match=r"residuals\.npz"):
        load_bundle(folder)


@pytest.mark.parametrize("name", ["golden.npz", "residuals.npz"])
def test_loading_a_bundle_runs_no_pickle(tmp_path: Path, name: str) -> None:
    mark = tmp_path / "it ran"
    pickle.loads(pickle.dumps(_Trap(mark)))  # noqa: S301 (the trap must be one)
    assert mark.exists()  # the trap works
    mark.unlink()
    trap = np.array([_Trap(mark)], dtype=object)
    residuals = Residuals(np.zeros((1, 7, 128, 6)), np.ones((1, 7)), np.ones((1, 2)))
    folder = tmp_path / "lstm" / "1"
    save_bundle(replace(build_small_bundle(), residuals=residuals), folder, {})
    load_bundle(folder)
    _swap(folder, name, _pack(covariates=np.zeros(3), outputs=trap, points=trap, per_day=trap, errors=trap))
    with pytest.raises(BadBundleError, match="allow_pickle"):
        load_bundle(folder)
    assert not mark.exists()


def test_a_model_that_answers_as_when_published_passes_its_golden_windows() -> None:
    replay_golden(build_small_bundle(answer=0.5), small_run(0.5))
    replay_golden(build_small_bundle(answer=0.5), small_run(0.5005))  # another machine's rounding


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (small_run(0.502), "off its golden windows by 0.002"),
        (small_run(float("nan")), "off its golden windows by nan"),
        (lambda batch: small_run(0.5)(batch)[:, :3], "in another shape"),
        (lambda batch: small_run(0.5)({"wrong": batch["covariates"]}), "fails on its golden windows"),
    ],
)
def test_a_model_that_answers_otherwise_is_refused(run: Any, said: str) -> None:
    with pytest.raises(BadBundleError, match=f"lstm 1.*{said}"):
        replay_golden(build_small_bundle(answer=0.5), run)


def test_versions_are_listed_by_number_and_nothing_else_is(tmp_path: Path) -> None:
    for path in ("lstm/2", "lstm/10", "gru/1", "lstm/.staging-x", "lstm/latest", ".candidates/3"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "lstm" / "3").write_text("a file")
    assert sorted((name, version) for name, version, _ in list_versions(tmp_path)) == [
        ("gru", 1),
        ("lstm", 2),
        ("lstm", 10),
    ]
    assert not list(list_versions(tmp_path / "absent"))


def test_a_bundle_with_metadata_has_their_windows_too(tmp_path: Path) -> None:
    bundle = build_small_bundle("multi_input")
    inputs = {
        **bundle.golden.inputs,
        "static": np.zeros((4, 26), np.float32),
        "artist": np.zeros((4, 28, 2), np.float32),
    }
    spec = ForecastSpec().with_metadata()
    full = replace(bundle, spec=spec, golden=Golden(inputs, bundle.golden.outputs))
    save_bundle(full, tmp_path / "whole", {})
    assert load_bundle(tmp_path / "whole").spec == spec
    save_bundle(replace(bundle, spec=spec), tmp_path / "without", {})
    with pytest.raises(BadBundleError, match="another spec"):
        load_bundle(tmp_path / "without")
