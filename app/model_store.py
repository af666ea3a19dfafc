"""Bundles on disk become running models, and follow what is published."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import fmean
from threading import Lock
from typing import TypeVar, cast

import numpy as np

from app.forecasting.bundle import Bundle, load_bundle, replay_golden
from app.forecasting.bundle_files import BadBundleError
from app.forecasting.forecaster import Forecaster, Run
from app.forecasting.row_bundle import RowBundle, RunRows, load_row_bundle, replay_golden_rows
from app.forecasting.versions import (
    PINS,
    BadPinsError,
    Stamp,
    find_versions,
    read_pins,
    read_stamp,
    read_stamps,
)
from app.observability.tracing import traced
from app.runtime import MarketPart, build_row_run, build_run

logger = logging.getLogger(__name__)

NAMES = ("multi_input", "lstm", "gru")
ROW_MODELS = ("popularity", "presence")


@dataclass(frozen=True)
class RunningModel:
    """A loaded bundle that answered its golden windows."""

    bundle: Bundle
    forecaster: Forecaster

    def error_ratio(self, region: str) -> float:
        """Its backtest's next-day MAE over ``chart_weekday``'s: of the region, else the mean of all.

        Infinite where the backtest has no such figure.
        """
        return self._error_ratios.get(region, self._mean_error_ratio)

    @cached_property
    def _mean_error_ratio(self) -> float:
        return fmean(self._error_ratios.values()) if self._error_ratios else np.inf

    @cached_property
    def _error_ratios(self) -> dict[str, float]:
        ratios = {}
        for region, by_horizon in self.bundle.backtest.get("regions", {}).items():
            figures = by_horizon.get("1", {}).get("methods", {}).get(self.bundle.name, {})
            ratios[region] = float(figures.get("mae_to_chart_weekday", np.nan))
        return {region: ratio for region, ratio in ratios.items() if np.isfinite(ratio)}


@dataclass(frozen=True)
class RunningRowModel:
    """A loaded bundle of a model of rows that answered its golden rows."""

    bundle: RowBundle
    run: RunRows


Running = RunningModel | RunningRowModel
Kind = TypeVar("Kind", RunningModel, RunningRowModel)


@dataclass(frozen=True)
class Loaded:
    """What is being served, what was refused and why, and which versions are pinned."""

    models: dict[str, RunningModel] = field(default_factory=dict)
    row_models: dict[str, RunningRowModel] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    pinned: dict[str, int] = field(default_factory=dict)


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
    return RunningModel(bundle, Forecaster(bundle.spec, traced("inference")(run)))


def start_row_model(folder: Path) -> RunningRowModel:
    """Load a bundle of a model of rows and replay its golden rows.

    Raises:
        BadBundleError: it is damaged or answers differently than when it was published.
    """
    bundle = load_row_bundle(folder)
    run = build_row_run(bundle.graph)
    replay_golden_rows(bundle, run)
    return RunningRowModel(bundle, run)


def start(folder: Path) -> Running:
    """Start the bundle of ``<name>/<version>/``, whatever it is by its name.

    Raises:
        BadBundleError: it cannot be served.
    """
    return start_row_model(folder) if folder.parent.name in ROW_MODELS else start_model(folder)


def _start_published(folder: Path) -> Running:
    """Start the bundle of ``<name>/<version>/``, which says the same of itself."""
    model = start(folder)
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
        self._seen: dict[Path, Stamp] = {}  # when it was last loaded
        self._look_again = False  # though nothing changes: a bundle could not be read, for now
        self._started: dict[Path, tuple[Stamp, Running]] = {}
        self._there: set[Path] = set()  # the roots that were
        self._lock = Lock()  # of two loads at once the one that looked first must not come in last

    @property
    def models(self) -> dict[str, RunningModel]:
        """By name. One state: take it once for a request."""
        return self._loaded.models

    @property
    def row_models(self) -> dict[str, RunningRowModel]:
        """The models of rows by name. One state, as ``models``."""
        return self._loaded.row_models

    @property
    def refused(self) -> dict[str, str]:
        """What could not be served, bundles mostly: name/version -> why."""
        return self._loaded.refused

    def describe_refused(self) -> list[str]:
        """The same as ``name/version: why``, fit for anybody: not where on this machine the folders are."""
        told = [f"{name}: {why}" for name, why in self.refused.items()]
        for root in sorted(map(str, self._roots), key=len, reverse=True):
            told = [text.replace(f"{root}/", "").replace(root, "models") for text in told]
        return told

    @property
    def pinned(self) -> dict[str, int]:
        """The version that a name is held to, where it is."""
        return self._loaded.pinned

    def load(self) -> Loaded:
        """Look at the folders anew and swap in, in one step, what is there.

        A bundle that is damaged, or pins that cannot be read, change nothing: what served goes on.
        """
        with self._lock:
            self._look_again = False
            seen = read_stamps(self._roots)  # before the files: what changes meanwhile is looked at again
            loaded = self._look()
            self._seen, self._loaded = seen, loaded
        return loaded

    def follow(self) -> bool:
        """Load if anything on disk has changed since it was last done; return whether it had."""
        if not self._look_again and read_stamps(self._roots) == self._seen:
            return False
        self.load()
        return True

    def _look(self) -> Loaded:
        there = {root for root in self._roots if root.is_dir()}
        if gone := self._there - there:  # a file system that went away, not an operator's wish
            return self._stay({str(root): "the folder is gone" for root in gone})
        self._there = there
        try:
            loaded = Loaded(pinned=read_pins(self._roots))
        except BadPinsError as error:
            self._look_again |= _may_pass(error)
            return self._stay({PINS: str(error)})
        for name in NAMES:
            self._add_newest(name, loaded, to=loaded.models, before=self._loaded.models)
        for name in ROW_MODELS:
            self._add_newest(name, loaded, to=loaded.row_models, before=self._loaded.row_models)
        serving = {id(model) for model in (*loaded.models.values(), *loaded.row_models.values())}
        self._started = {path: kept for path, kept in self._started.items() if id(kept[1]) in serving}
        return loaded

    def _stay(self, refused: dict[str, str]) -> Loaded:
        logger.error("what is served stays: %s", refused)
        return replace(self._loaded, refused=refused)

    def _add_newest(self, name: str, loaded: Loaded, *, to: dict[str, Kind], before: dict[str, Kind]) -> None:
        running = before.get(name)
        folders = find_versions(self._roots, name, loaded.pinned)
        pin = loaded.pinned.get(name)
        if pin is not None and pin not in {int(folder.name) for folder in folders}:
            loaded.refused[f"{name}/{pin}"] = f"{PINS} names it, and it is not there"
            if running is not None:
                to[name] = running
                return
        for folder in folders:
            try:
                to[name] = cast(Kind, self._start(folder))  # its name says which of the two it is
            except BadBundleError as error:
                logger.error("bundle refused: %s", error)
                loaded.refused[f"{name}/{folder.name}"] = str(error)
                self._look_again |= _may_pass(error)
                if running is None or running.bundle.version != int(folder.name):
                    continue
                to[name] = running  # it was damaged on disk: what runs was whole when it came
            return

    def _start(self, folder: Path) -> Running:
        stamp = read_stamp(folder)
        known = self._started.get(folder)
        if known is None or known[0] != stamp:
            known = self._started[folder] = (stamp, _start_published(folder))
            logger.info("serving %s", "/".join(folder.parts[-2:]))
        return known[1]


def _may_pass(error: BadBundleError | BadPinsError) -> bool:
    """Whether the file system failed (too many open files, one that is away), and not what is in it."""
    cause = error.__cause__
    return isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError | NotADirectoryError)
