"""A small ensemble as one model: several seeds of one kind, averaged inside one graph, one call to run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from app.forecasting.bundle import Bundle
from training.bundles import build_bundle, load_keras, save_candidate, start_bundle
from training.models.market import average, join


def average_candidates(folders: Sequence[Path], out: Path) -> None:
    """Write the mean of several candidates of one name to ``out``, which must not exist.

    The mean is of their quantiles, part by part: of the tracks' parts and of the market's.

    Source: Lichtendahl, Grushka-Cockayne and Winkler, "Is It Better to Average Probabilities or
    Quantiles?", Management Science 59 (2013).

    Raises:
        ValueError: there are under two, or they differ in name, covariates or dates.
    """
    bundles = [start_bundle(folder).bundle for folder in folders]
    _check_alike(bundles)
    models = [load_keras(folder) for folder in folders]
    first = bundles[0]
    track, market = (_average_part(models, part) for part in ("track", "market"))
    model = join(first.name, track, market, first.spec)
    training = _describe(bundles)
    bundle = build_bundle(model, first.spec, trained_through=first.trained_through, training=training)
    save_candidate(bundle, model, out)


def _check_alike(bundles: Sequence[Bundle]) -> None:
    if len(bundles) < 2:
        raise ValueError("an ensemble wants two candidates at least")
    first = bundles[0]
    for other in bundles[1:]:
        for what in ("name", "spec", "trained_through"):
            if getattr(other, what) != getattr(first, what):
                raise ValueError(f"the members of an ensemble must have the same {what.replace('_', ' ')}")


def _average_part(models: Sequence[keras.Model], part: str) -> keras.Model:
    return average([model.get_layer(part) for model in models])


def _describe(bundles: Sequence[Bundle]) -> dict[str, Any]:
    records = [bundle.training for bundle in bundles]
    validated = max((record["validated_through"] or "" for record in records), default="")
    members = [{key: record[key] for key in ("settings", "epochs", "data")} for record in records]
    return {
        "regions": records[0]["regions"],
        "data": records[0]["data"],
        "epochs": max(record["epochs"] for record in records),
        "validated_through": validated or None,
        "members": members,
    }
