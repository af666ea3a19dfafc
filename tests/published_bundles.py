"""Small bundles of all three models, with random weights: quick to make, and no two answer alike."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.forecasting.bundle_files import digest_of
from app.forecasting.spec import ForecastSpec

UNITS = 8
LEARNED = dict.fromkeys(("ph", "us"), ("2020-10-03", "2020-12-31"))
# Next-day error over chart_weekday's, by region and model, as the backtests would have it.
FIGURES = {
    "ph": {"multi_input": 0.7, "gru": 0.75, "lstm": 0.8},
    "us": {"multi_input": 0.9, "gru": 0.85, "lstm": 0.72},
}


def build_backtest(figures: Mapping[str, Mapping[str, float]] = FIGURES) -> dict[str, Any]:
    """As ``python -m training backtest`` writes it, as far as the service reads it."""
    regions = {
        region: {
            "1": {"methods": {name: {"mae_to_chart_weekday": ratio} for name, ratio in of_models.items()}}
        }
        for region, of_models in figures.items()
    }
    return {"cutoffs": ["2020-10-01", "2020-12-30"], "in_sample": False, "regions": regions}


def publish_random(
    name: str,
    models_dir: Path,
    *,
    seed: int,
    scale: float = 0.2,
    backtest: dict[str, Any] | None = None,
    learned: Mapping[str, Sequence[str]] | None = None,
) -> Path:
    """Publish a model with weights drawn by ``seed`` as the next version of its name.

    It says that it learned from the whole sample, so that none of its forecasts there count as its past,
    unless ``learned`` says else.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from training.bundles import build_bundle, publish, save_candidate  # imports TensorFlow: seconds

    model, spec = _build_model(name)
    random = np.random.Generator(np.random.PCG64(seed))
    model.set_weights([random.normal(0, scale, weight.shape) for weight in model.get_weights()])
    training = {"epochs": 1, "seed": seed, "regions": dict(LEARNED if learned is None else learned)}
    bundle = build_bundle(model, spec, trained_through="2020-09-30", training=training)
    candidate = models_dir / ".candidates" / f"{name}-{seed}"
    save_candidate(bundle, model, candidate)
    return publish(candidate, models_dir, backtest or build_backtest())


def copy_as_unseen(
    models_dir: Path, target: Path, learned: Mapping[str, Sequence[str]] | None = None
) -> Path:
    """The same bundles, saying that they learned from ``learned`` alone: by default from no region's days."""
    shutil.copytree(models_dir, target, ignore=shutil.ignore_patterns(".*"))
    for path in target.glob("*/*/spec.json"):
        described = json.loads(path.read_bytes())
        described["training"]["regions"] = {} if learned is None else dict(learned)
        path.write_text(json.dumps(described | {"digest": digest_of(described)}))
    return target


def _build_model(name: str) -> tuple[Any, ForecastSpec]:
    from training.models.gru import build_gru
    from training.models.lstm import build_lstm
    from training.models.market import build_market, join
    from training.models.multi_input import build_multi_input

    spec = ForecastSpec()
    if name == "multi_input":
        with_metadata = spec.with_metadata()
        track = build_multi_input(with_metadata, build_lstm(with_metadata, UNITS), UNITS)
        return join(name, track, build_market(spec, UNITS), with_metadata), with_metadata
    track = {"lstm": build_lstm, "gru": build_gru}[name](spec, UNITS)
    return join(name, track, build_market(spec, UNITS), spec), spec
