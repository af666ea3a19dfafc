"""A model on disk: ``<name>/<version>/`` with its graph, spec, figures, golden windows and residuals.

A bundle is data: reading one runs no code from it. ``spec.json`` names the hash of every other file, and the
digest of what it says itself, so one that is truncated, edited or put together from two is refused.
"""

import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.forecasting.forecaster import Run
from app.forecasting.residuals import Residuals, read_residuals
from app.forecasting.spec import ForecastSpec

FORMAT = 1
SPEC, GRAPH, BACKTEST, GOLDEN = "spec.json", "model.onnx", "backtest.json", "golden.npz"
MARKET_GRAPH = "market.onnx"  # a bundle whose model has no market's part has none
DIGEST = "digest"  # in spec.json; bundles published before there was one lack it
RESIDUALS = "residuals.npz"  # a bundle that was never backtested has none
GOLDEN_TOLERANCE = 1e-3  # of scaled log-ratios: a ten-thousandth of the streams
# What reading raises where a file is absent, is no JSON or archive, or lacks something.
_UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    RecursionError,
    zipfile.BadZipFile,
)


class BadBundleError(Exception):
    """A bundle that is incomplete, damaged, or does not answer as it did when it was published."""


@dataclass(frozen=True)
class Golden:
    """Inputs and what the model answered to them when it was published."""

    inputs: dict[str, NDArray[np.float32]]
    outputs: NDArray[np.float32]


@dataclass(frozen=True)
class Bundle:
    """A published model.

    Attributes:
        name: lstm, gru or multi_input.
        version: From 1; 0 before it is published.
        spec: What it takes and gives.
        trained_through: The last day it learned from, ISO.
        training: How it was trained: region, settings, epochs, data fingerprint.
        backtest: Figures of models fitted the same way on earlier dates, with those dates.
        golden: Windows to replay before it is used.
        graph: The ONNX graph.
        market_graph: That of the market's part, whose answer ``graph`` takes in; None where it has none.
        residuals: Of the backtest's last days; None where it has none.
    """

    name: str
    version: int
    spec: ForecastSpec
    trained_through: str
    training: dict[str, Any]
    backtest: dict[str, Any]
    golden: Golden
    graph: bytes
    market_graph: bytes | None = None
    residuals: Residuals | None = None

    @cached_property
    def weights_hash(self) -> str:
        """Tells its weights from those of another bundle of its name and version."""
        return _sha256(self.graph + (self.market_graph or b""))[:16]

    def learned_through(self, region: str) -> str | None:
        """The last day of ``region`` that its weights learned from, ISO; None where they saw none of it."""
        regions = self.training.get("regions")
        if regions is None:  # it does not say: the region may be among them
            return self.trained_through
        return str(regions[region][1]) if region in regions else None


def save_bundle(bundle: Bundle, folder: Path, extra_files: Mapping[str, bytes]) -> None:
    """Write ``bundle`` to ``folder``, which must not exist: it appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".staging-", dir=folder.parent))
    try:
        files = {GRAPH: bundle.graph, BACKTEST: _to_json(bundle.backtest), **extra_files}
        if bundle.market_graph is not None:
            files[MARKET_GRAPH] = bundle.market_graph
        if bundle.residuals is not None:
            files[RESIDUALS] = bundle.residuals.to_bytes()
        with (staging / GOLDEN).open("wb") as stream:
            np.savez_compressed(stream, outputs=bundle.golden.outputs, **bundle.golden.inputs)  # type: ignore[arg-type]
        for name, content in files.items():
            (staging / name).write_bytes(content)
        described = _describe(bundle, staging)
        (staging / SPEC).write_bytes(_to_json(described | {DIGEST: digest_of(described)}))
        staging.chmod(0o755)
        os.rename(staging, folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _describe(bundle: Bundle, staging: Path) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "name": bundle.name,
        "version": bundle.version,
        "trained_through": bundle.trained_through,
        "spec": bundle.spec.to_json(),
        "training": bundle.training,
        "files": {path.name: _sha256(path.read_bytes()) for path in sorted(staging.iterdir())},
    }


def digest_of(described: Mapping[str, Any]) -> str:
    """What tells that ``spec.json`` was edited: covariates in another order would fit every other file."""
    return _sha256(_to_json({key: value for key, value in described.items() if key != DIGEST}))


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle and check that it is whole.

    Raises:
        BadBundleError: it is not; the message says what is wrong.
    """
    try:
        described = json.loads((folder / SPEC).read_bytes())
        if described["format"] != FORMAT:
            raise BadBundleError(f"{folder} has format {described['format']}, this release reads {FORMAT}")
        if described.pop(DIGEST, None) not in (None, digest_of(described)):
            raise BadBundleError(f"{folder / SPEC} is not the file that was published")
        optional = [name for name in (MARKET_GRAPH, RESIDUALS) if name in described["files"]]
        names = [GRAPH, BACKTEST, GOLDEN, *optional]
        contents = {name: (folder / name).read_bytes() for name in names}
        for name, content in contents.items():
            if _sha256(content) != described["files"][name]:
                raise BadBundleError(f"{folder / name} is not the file that was published")
        spec = ForecastSpec.from_json(described["spec"])
        return Bundle(
            name=str(described["name"]),
            version=int(described["version"]),
            spec=spec,
            trained_through=described["trained_through"],
            training=described["training"],
            backtest=json.loads(contents[BACKTEST]),
            golden=_read_golden(contents[GOLDEN], spec),
            graph=contents[GRAPH],
            market_graph=contents.get(MARKET_GRAPH),
            residuals=_read_residuals(contents.get(RESIDUALS), spec),
        )
    except _UNREADABLE as error:
        said = f"{type(error).__name__}: {error}"
        raise BadBundleError(f"{folder} cannot be read as a bundle: {said}") from error


def _read_residuals(content: bytes | None, spec: ForecastSpec) -> Residuals | None:
    if content is None:
        return None
    return read_residuals(content, horizon=spec.horizon, bounds=len(spec.quantile_levels) - 1)


def _read_golden(content: bytes, spec: ForecastSpec) -> Golden:
    """Golden windows of the shapes that ``spec`` says, else a ValueError."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        golden = Golden({name: arrays[name] for name in arrays.files if name != "outputs"}, arrays["outputs"])
    shapes: dict[str, tuple[int, ...]] = {"covariates": (spec.context_length, len(spec.covariates))}
    if spec.static_covariates:
        shapes["static"] = (2 * len(spec.static_covariates),)
    if spec.artist_covariates:
        shapes["artist"] = (
            spec.context_length,
            len(spec.artist_covariates),
        )
    found = {name: values.shape[1:] for name, values in golden.inputs.items()}
    if found != shapes or golden.outputs.shape[1:] != (spec.horizon, len(spec.quantile_levels)):
        raise ValueError(f"{GOLDEN} holds windows of another spec than {SPEC}")
    return golden


def replay_golden(bundle: Bundle, run: Run) -> None:
    """Check that ``run`` answers the golden windows as the model did when it was published.

    Raises:
        BadBundleError: it does not.
    """
    try:
        answer = run(bundle.golden.inputs)
    except Exception as error:  # whatever the runtime raises on a graph that is not for it
        raise BadBundleError(
            f"{bundle.name} {bundle.version} fails on its golden windows: {error}"
        ) from error
    if answer.shape != bundle.golden.outputs.shape:
        raise BadBundleError(f"{bundle.name} {bundle.version} answers in another shape than when published")
    worst = float(np.abs(answer - bundle.golden.outputs).max())
    if not worst <= GOLDEN_TOLERANCE:
        raise BadBundleError(f"{bundle.name} {bundle.version} is off its golden windows by {worst:.2g}")


def list_versions(root: Path) -> Iterator[tuple[str, int, Path]]:
    """Every ``<name>/<version>/`` under ``root``, by name and version."""
    for folder in sorted(root.glob("*/*/")):
        if folder.name.isdecimal() and not folder.parent.name.startswith("."):
            yield folder.parent.name, int(folder.name), folder


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _to_json(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()
