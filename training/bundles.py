"""Making, reading and publishing bundles. The one module of ``training`` that knows the serving runtime."""

import contextlib
import datetime as dt
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from app.forecasting.bundle import RESIDUALS, Bundle, load_bundle, save_bundle
from app.forecasting.bundle_files import BACKTEST, BadBundleError, Golden, list_versions
from app.forecasting.forecaster import Forecaster, Run, model_inputs
from app.forecasting.residuals import Residuals, read_residuals
from app.forecasting.spec import ForecastSpec
from app.forecasting.track_covariates import LEAD_IN
from app.forecasting.versions import find_versions, read_pins
from app.forecasting.windows import build_windows
from app.model_store import RunningModel, start_model
from app.runtime import MarketPart, build_run
from training.export import Graphs, build_graphs
from training.golden import build_golden_panel
from training.models.market import JoinQuantiles

KERAS = "model.keras"
GOLDEN_WINDOWS = 8
EXPORT_TOLERANCE = 1e-4  # of scaled log-ratios, between Keras and the exported graph


def build_bundle(
    model: keras.Model, spec: ForecastSpec, *, trained_through: str, training: dict[str, Any]
) -> Bundle:
    """Export a fitted model; what it answers to the golden windows is Keras' own answer.

    Raises:
        ValueError: the exported graph answers differently.
    """
    inputs = _golden_inputs(spec)
    expected = np.asarray(model.predict(inputs, verbose=0))[:, -1]
    golden = Golden(inputs, expected.astype(np.float32))
    graphs = _export(model, spec, golden)
    return Bundle(
        name=model.name,
        version=0,
        spec=spec,
        trained_through=trained_through,
        training=training,
        backtest={"regions": {}},
        golden=golden,
        graph=graphs.model,
        market_graph=graphs.market,
    )


def _export(model: keras.Model, spec: ForecastSpec, golden: Golden) -> Graphs:
    graphs = build_graphs(model, spec)
    worst = float(np.abs(_run(graphs, spec)(golden.inputs) - golden.outputs).max())
    if worst > EXPORT_TOLERANCE:
        raise ValueError(f"the exported graph is off the Keras model by {worst:.2g}")
    return graphs


def export_anew(folder: Path, models_dir: Path) -> Path:
    """Publish a bundle's Keras model once more, with the graphs that this release makes of it.

    Weights, golden windows, figures and residuals stay what they are.

    Args:
        folder: The bundle.
        models_dir: Where bundles are published.

    Returns:
        The new folder ``models_dir/<name>/<version>/``.

    Raises:
        ValueError: the graphs answer otherwise than the Keras model did.
    """
    bundle, model = load_bundle(folder), load_keras(folder)
    graphs = _export(model, bundle.spec, bundle.golden)
    version = _next_version(models_dir, bundle.name, above=bundle.version)
    target = models_dir / bundle.name / str(version)
    anew = replace(bundle, version=version, graph=graphs.model, market_graph=graphs.market)
    save_bundle(anew, target, {KERAS: (folder / KERAS).read_bytes()})
    return target


def _next_version(models_dir: Path, name: str, *, above: int) -> int:
    return max([above, *(version for n, version, _ in list_versions(models_dir) if n == name)]) + 1


def _golden_inputs(spec: ForecastSpec) -> dict[str, np.ndarray]:
    """Windows of an invented chart, so that no bundle carries real data."""
    panel = build_golden_panel()
    tracks = np.arange(GOLDEN_WINDOWS)
    cutoffs = len(panel.days) - 1 - tracks
    history = panel.history(tracks, cutoffs, LEAD_IN + spec.context_length)
    return model_inputs(build_windows(history, panel.covariates, spec), spec)


def save_candidate(bundle: Bundle, model: keras.Model, folder: Path) -> None:
    """Write an unpublished bundle, with the Keras model (without its optimizer) beside the graph."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / KERAS
        model.save(path)
        _load_keras(path).save(path)
        save_bundle(bundle, folder, {KERAS: path.read_bytes()})


def load_keras(folder: Path) -> keras.Model:
    """The Keras model of a bundle, for fine-tuning or for the second stage of a multi-input model."""
    load_bundle(folder)  # refuses a damaged one
    return _load_keras(folder / KERAS)


def _load_keras(path: Path) -> keras.Model:
    return keras.models.load_model(path, compile=False, custom_objects={"JoinQuantiles": JoinQuantiles})


def start_bundle(folder: Path) -> RunningModel:
    """A bundle, running as it is served."""
    return start_model(folder)


def build_forecaster(model: keras.Model, spec: ForecastSpec) -> Forecaster:
    """A model as it would be served, without a bundle."""
    return Forecaster(spec, _run(build_graphs(model, spec), spec))


def _run(graphs: Graphs, spec: ForecastSpec) -> Run:
    return build_run(graphs.model, MarketPart(graphs.market, spec))


def find_served(roots: Sequence[Path], name: str) -> Path | None:
    """The bundle of a name that the service would serve from these folders, the newest that starts.

    Args:
        roots: As ``app.model_store.ModelStore`` takes them: a later folder's version counts.
        name: lstm, gru or multi_input.

    Raises:
        BadPinsError: the pins cannot be read.
    """
    for folder in find_versions(roots, name, read_pins(roots)):
        with contextlib.suppress(BadBundleError):
            start_model(folder)
            return folder
    return None


def publish(
    folder: Path,
    models_dir: Path,
    backtest: dict[str, Any],
    residuals: Residuals | None = None,
    *,
    above: int = 0,
) -> Path:
    """Publish a candidate as the next version of its name, with its backtest's figures and residuals.

    Args:
        folder: The candidate.
        models_dir: Where bundles are published.
        backtest: As ``training.backtest`` writes it.
        residuals: As it writes them; without any the bundle has nothing to calibrate by at first.
        above: A version that is served from elsewhere; the new one is later than it too.

    Returns:
        The new folder ``models_dir/<name>/<version>/``; it appears whole or not at all.

    Raises:
        ValueError: the figures are of days that the model learned from.
    """
    if backtest.get("in_sample"):
        raise ValueError(
            f"the figures of {folder} are in-sample, and auto would go by them: backtest it on days that it "
            "never learned from, or publish it with --figures-of a bundle that was"
        )
    bundle = start_bundle(folder).bundle  # a candidate that cannot be served is not published
    version = _next_version(models_dir, bundle.name, above=above)
    target = models_dir / bundle.name / str(version)
    published = dt.datetime.now(dt.UTC).date().isoformat()
    training = bundle.training | {"published": published}
    ready = replace(bundle, version=version, backtest=backtest, training=training, residuals=residuals)
    save_bundle(ready, target, {KERAS: (folder / KERAS).read_bytes()})
    return target


def read_backtest(folder: Path, name: str) -> dict[str, Any]:
    """The figures that ``training backtest`` last wrote beside a bundle.

    Args:
        folder: The bundle.
        name: Of the model whose figures are wanted.

    Raises:
        FileNotFoundError: it was never backtested.
        ValueError: the figures are not of that model.
    """
    path = folder.parent / f"{folder.name}.{BACKTEST}"
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} has no backtest: run python -m training backtest --bundle {folder}"
        )
    found: dict[str, Any] = json.loads(path.read_text())
    for region, by_horizon in found["regions"].items():
        if any(name not in summary["methods"] for summary in by_horizon.values()):
            raise ValueError(
                f"{path} has no figures of {name} in {region}: backtest {folder} again, "
                f"with no other bundle of a {name} beside it"
            )
    return found


def read_backtest_residuals(folder: Path, spec: ForecastSpec) -> Residuals | None:
    """The residuals that ``training backtest`` last wrote beside a bundle; None where there are none.

    Raises:
        ValueError: they are not of a model with ``spec``.
    """
    path = folder.parent / f"{folder.name}.{RESIDUALS}"
    if not path.is_file():
        return None
    return read_residuals(path.read_bytes(), horizon=spec.horizon, bounds=len(spec.quantile_levels) - 1)


def write_residuals(folder: Path, residuals: Residuals | None) -> None:
    """Write residuals beside a bundle, whose own files never change; None takes away what is there."""
    path = folder.parent / f"{folder.name}.{RESIDUALS}"
    if residuals is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(residuals.to_bytes())


def write_backtest(folder: Path, backtest: dict[str, Any]) -> Path:
    """Write figures beside a bundle, whose own files never change."""
    path = folder.parent / f"{folder.name}.{BACKTEST}"
    path.write_text(json.dumps(backtest, indent=2, sort_keys=True) + "\n")
    return path
