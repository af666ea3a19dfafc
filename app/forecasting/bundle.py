"""A forecasting model on disk: ``<name>/<version>/`` with graph, spec, figures, golden windows, residuals."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from app.forecasting.bundle_files import (
    BACKTEST,
    GOLDEN,
    GRAPH,
    SPEC,
    Golden,
    read_files,
    read_golden,
    reading,
    replay,
    sha256,
    to_json,
    write_files,
)
from app.forecasting.forecaster import Run
from app.forecasting.residuals import Residuals, read_residuals
from app.forecasting.spec import ForecastSpec

MARKET_GRAPH = "market.onnx"  # a bundle whose model has no market's part has none
RESIDUALS = "residuals.npz"  # a bundle that was never backtested has none
GOLDEN_TOLERANCE = 1e-3  # of scaled log-ratios: a ten-thousandth of the streams


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
        return sha256(self.graph + (self.market_graph or b""))[:16]

    def learned_through(self, region: str) -> str | None:
        """The last day of ``region`` that its weights learned from, ISO; None where they saw none of it."""
        regions = self.training.get("regions")
        if regions is None:  # it does not say: the region may be among them
            return self.trained_through
        return str(regions[region][1]) if region in regions else None


def save_bundle(bundle: Bundle, folder: Path, extra_files: Mapping[str, bytes]) -> None:
    """Write ``bundle`` to ``folder``, which must not exist: it appears whole or not at all."""
    files = {GRAPH: bundle.graph, BACKTEST: to_json(bundle.backtest), GOLDEN: bundle.golden.to_bytes()}
    if bundle.market_graph is not None:
        files[MARKET_GRAPH] = bundle.market_graph
    if bundle.residuals is not None:
        files[RESIDUALS] = bundle.residuals.to_bytes()
    described = {
        "name": bundle.name,
        "version": bundle.version,
        "trained_through": bundle.trained_through,
        "spec": bundle.spec.to_json(),
        "training": bundle.training,
    }
    write_files(folder, described, {**files, **extra_files})


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle and check that it is whole.

    Raises:
        BadBundleError: it is not; the message says what is wrong.
    """
    with reading(folder):
        described, contents = read_files(folder, (GRAPH, BACKTEST, GOLDEN), (MARKET_GRAPH, RESIDUALS))
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


def _read_residuals(content: bytes | None, spec: ForecastSpec) -> Residuals | None:
    if content is None:
        return None
    return read_residuals(content, horizon=spec.horizon, bounds=len(spec.quantile_levels) - 1)


def _read_golden(content: bytes, spec: ForecastSpec) -> Golden:
    """Golden windows of the shapes that ``spec`` says, else a ValueError."""
    golden = read_golden(content)
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
    replay(f"{bundle.name} {bundle.version}", run, bundle.golden, GOLDEN_TOLERANCE)
