"""Bundles on disk become running models. The one file that knows ONNX Runtime."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import fmean

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from app.forecasting.bundle import BadBundleError, Bundle, list_versions, load_bundle, replay_golden
from app.forecasting.forecaster import Batch, Forecaster, Run
from app.forecasting.spec import ForecastSpec
from app.forecasting.windows import places

logger = logging.getLogger(__name__)

NAMES = ("multi_input", "lstm", "gru")
MOST_DAYS = 512  # of regions, whose market's part is kept: some 5 KB each
CHUNK = 48  # windows a call: in larger ones the inputs of all steps' gates fall out of the cache


@dataclass(frozen=True)
class RunningModel:
    """A loaded bundle that answered its golden windows."""

    bundle: Bundle
    forecaster: Forecaster

    def error_ratio(self, region: str) -> float:
        """Its backtest's next-day MAE over ``chart_weekday``'s: of the region, else the mean of all.

        Infinite where the backtest has no such figure.
        """
        ratios = self._error_ratios
        return ratios.get(region, fmean(ratios.values()) if ratios else np.inf)

    @cached_property
    def _error_ratios(self) -> dict[str, float]:
        ratios = {}
        for region, by_horizon in self.bundle.backtest.get("regions", {}).items():
            figures = by_horizon.get("1", {}).get("methods", {}).get(self.bundle.name, {})
            ratios[region] = float(figures.get("mae_to_chart_weekday", np.nan))
        return {region: ratio for region, ratio in ratios.items() if np.isfinite(ratio)}


@dataclass(frozen=True)
class Loaded:
    """What is being served, and what was refused and why."""

    models: dict[str, RunningModel] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


class MarketPart:
    """The part of a model that sees the shared channels alone: run once for a day of a region, then known.

    What it answers depends on nothing but those channels, so what is kept is never stale.

    Args:
        graph: Shared channels (batch, steps, channels) -> what the model wants of the market (batch, …).
        spec: Of the model.
    """

    def __init__(self, graph: bytes, spec: ForecastSpec) -> None:
        self._session = _start_session(graph)
        self._channels = places([spec.covariates.index(name) for name in spec.market_covariates])
        self._kept: dict[bytes, NDArray[np.float32]] = {}

    def __call__(self, covariates: NDArray[np.float32]) -> NDArray[np.float32]:
        """The market's answer for each window. (tracks, steps, channels) -> (tracks, …)"""
        shared = covariates[:, :, self._channels]
        keys = [window.tobytes() for window in shared]
        known = {key: self._kept[key] for key in keys if key in self._kept}
        if new := {key: i for i, key in enumerate(keys) if key not in known}:
            answers = self._session.run(["market"], {"market_channels": shared[list(new.values())]})[0]
            known |= dict(zip(new, answers, strict=True))
            if len(self._kept) + len(new) > MOST_DAYS:
                self._kept = {}
            self._kept.update(known)
        return np.array([known[key] for key in keys])


def build_run(graph: bytes, market: MarketPart | None = None) -> Run:
    """A callable that runs an ONNX graph on one thread, in chunks.

    Args:
        graph: Of the model.
        market: What the graph takes as its input ``market``; None: it has none.

    Raises:
        BadBundleError: the graph is none.
    """
    session = _start_session(graph)

    def run(batch: Batch) -> NDArray[np.float32]:
        inputs = dict(batch) if market is None else {**batch, "market": market(batch["covariates"])}
        n_windows = len(batch["covariates"])
        parts = [
            session.run(["log_ratios"], {name: x[start : start + CHUNK] for name, x in inputs.items()})[0]
            for start in range(0, max(n_windows, 1), CHUNK)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    return run


def _start_session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # requests are the parallelism
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime raises classes of its own for a bad graph
        raise BadBundleError(f"the graph cannot be loaded: {error}") from error


def start_run(bundle: Bundle) -> Run:
    """Run a bundle's graphs.

    Raises:
        BadBundleError: one is none.
    """
    market = None if bundle.market_graph is None else MarketPart(bundle.market_graph, bundle.spec)
    return build_run(bundle.graph, market)


def start_model(folder: Path) -> RunningModel:
    """Load a bundle and replay its golden windows.

    Raises:
        BadBundleError: it is damaged or answers differently than when it was published.
    """
    bundle = load_bundle(folder)
    run = start_run(bundle)
    replay_golden(bundle, run)
    return RunningModel(bundle, Forecaster(bundle.spec, run))


def _start_published(folder: Path) -> RunningModel:
    """Start the bundle of ``<name>/<version>/``, which says the same of itself."""
    model = start_model(folder)
    said = f"{model.bundle.name}/{model.bundle.version}"
    if said != "/".join(folder.parts[-2:]):
        raise BadBundleError(f"{folder} holds the bundle {said}: it was copied here, not published")
    return model


class ModelStore:
    """The models being served: of each name the newest version that loads, from several folders.

    Args:
        roots: Folders of bundles; of the same name and version in two, the later folder's counts.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = list(roots)
        self._loaded = Loaded()

    @property
    def models(self) -> dict[str, RunningModel]:
        """By name. One state: take it once for a request."""
        return self._loaded.models

    @property
    def refused(self) -> dict[str, str]:
        """Bundles newer than those served that did not load: folder -> why."""
        return self._loaded.refused

    def load(self) -> Loaded:
        """Look at the folders anew and swap in, in one step, what is there."""
        loaded = Loaded()
        for name in NAMES:
            for folder in self._newest_first(name):
                try:
                    loaded.models[name] = _start_published(folder)
                    break
                except BadBundleError as error:
                    logger.error("bundle refused: %s", error)
                    loaded.refused["/".join(folder.parts[-2:])] = str(error)
        self._loaded = loaded
        return loaded

    def _newest_first(self, name: str) -> list[Path]:
        folders = {v: path for root in self._roots for n, v, path in list_versions(root) if n == name}
        return [folders[version] for version in sorted(folders, reverse=True)]
