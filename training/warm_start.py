"""Training on from the weights of a bundle, and the bundle that comes of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from app.forecasting.bundle import Bundle
from training.bundles import build_bundle, load_keras, save_candidate, start_bundle
from training.data import fingerprint
from training.dataset import Examples, build_examples, concatenate
from training.fit import Curve, FitSettings, fit
from training.panel import Panel

EMA_MOMENTUM = 0.9  # few steps: an average that lags by a hundred would hardly leave the source's weights


@dataclass(frozen=True)
class Warm:
    """How a model is trained on from a bundle's weights, as days are added to those that it learned from.

    Attributes:
        epochs: Over all days there are.
        learning_rate: Half of a fit's from nothing.
    """

    epochs: int = 2
    learning_rate: float = 2e-3


def train_on(
    source: Path, panels: Sequence[Panel], through: np.datetime64, folder: Path, *, warm: Warm, seed: int = 1
) -> None:
    """Train on from a bundle on all days up to ``through`` and write a candidate to ``folder``."""
    bundle = start_bundle(source).bundle
    settings = FitSettings(
        seed=seed, max_epochs=warm.epochs, learning_rate=warm.learning_rate, ema_momentum=EMA_MOMENTUM
    )
    training = examples_of(panels, bundle, settings, after=None, through=through)
    model, curve = fit_on(source, bundle, training, settings=settings, epochs=warm.epochs)
    record = describe_warm_start(bundle, panels, through, settings=settings, epochs=warm.epochs, curve=curve)
    save_warm_start(model, bundle, folder, trained_through=through, training=record)


def fit_on(
    source: Path,
    bundle: Bundle,
    training: Examples,
    *,
    settings: FitSettings,
    epochs: int,
    validation: Examples | None = None,
) -> tuple[keras.Model, Curve]:
    """Fit a copy of the tracks' part of a bundle's model for some epochs, every weight of it.

    The market's part stays: a few months are few days, and its own regression keeps learning as it is served.
    With a validation period the weights are those of the epoch that was best on it.

    Args:
        source: The bundle's folder.
        bundle: What was read from it.
        training: What to learn from.
        settings: How.
        epochs: How long.
        validation: Later examples, for the curve.
    """
    keras.utils.set_random_seed(settings.seed)
    model, track = load_keras(source), load_keras(source).get_layer("track")
    _unfreeze(track)  # in two stages the recurrent part was frozen: on later days it has to move
    curve = fit(track, bundle.spec, training, settings=settings, epochs=epochs, validation=validation)
    model.get_layer("track").set_weights(track.get_weights())
    return model, curve


def _unfreeze(model: keras.Model) -> None:
    """All layers, those of models inside it included."""
    for layer in model.layers:
        layer.trainable = True
        if isinstance(layer, keras.Model):
            _unfreeze(layer)


def examples_of(
    panels: Sequence[Panel],
    bundle: Bundle,
    settings: FitSettings,
    *,
    after: np.datetime64 | None,
    through: np.datetime64,
) -> Examples:
    """The examples of some regions with targets after ``after`` (None: all) up to ``through``."""
    return concatenate(
        [
            build_examples(
                panel,
                bundle.spec,
                after=panel.days[0] if after is None else after,
                through=through,
                power=settings.weight_power,
            )
            for panel in panels
        ]
    )


def save_warm_start(
    model: keras.Model,
    bundle: Bundle,
    folder: Path,
    *,
    trained_through: np.datetime64,
    training: dict[str, Any],
) -> None:
    """Write the candidate that came of ``bundle``; what that had learned from counts for it too."""
    seen = max(bundle.trained_through, str(trained_through))
    record = build_bundle(model, bundle.spec, trained_through=seen, training=training)
    save_candidate(record, model, folder)


def describe_warm_start(
    bundle: Bundle,
    panels: Sequence[Panel],
    through: np.datetime64,
    *,
    settings: FitSettings,
    epochs: int,
    curve: Curve,
) -> dict[str, Any]:
    """The training record of a model that was trained on from ``bundle`` on charts up to ``through``.

    Its regions are those of the bundle and the new ones, each with all the days that either learned from.
    """
    regions = dict(bundle.training.get("regions", {}))
    for panel in panels:
        first, last = str(panel.days[0]), str(through)
        before = regions.get(panel.region, [first, last])
        regions[panel.region] = [min(before[0], first), max(before[1], last)]
    return {
        **{name: value for name, value in bundle.training.items() if name != "published"},
        "from": describe_source(bundle),
        "regions": regions,
        "data": fingerprint([panel.until(through) for panel in panels]),
        "settings": asdict(settings),
        "epochs": epochs,
        "validated_through": bundle.training.get("validated_through"),
        "training_loss": curve.training,
        "validation_loss": curve.validation,
    }


def describe_source(bundle: Bundle) -> dict[str, Any]:
    """Which bundle a model was trained on from."""
    return {
        "bundle": f"{bundle.name}/{bundle.version}",
        "weights": bundle.weights_hash,
        "trained_through": bundle.trained_through,
    }
