"""Fine-tuning a bundle to one region, with as little as 60 days of its charts.

The last quarter of the days given chooses how (learning rate and epochs), on weights that learned from the
days before it. Where no setting beats the untouched weights there by more than noise, they stay as they are.
Else the weights learn from all the days given, by the setting chosen. Nothing after those days is read.

What one real region can show of it is little: ``docs/decisions/fine-tuning-must-beat-leaving-alone.md``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from app.forecasting.bundle import Bundle
from training.bundles import build_forecaster, load_keras, save_candidate, start_bundle
from training.comparison import Comparison, compare
from training.fit import Curve, FitSettings
from training.panel import Panel
from training.warm_start import (
    EMA_MOMENTUM,
    describe_source,
    describe_warm_start,
    examples_of,
    fit_on,
    save_warm_start,
)

FEWEST_DAYS = 60
VALIDATION_SHARE = 4  # the last quarter of the days ...
VALIDATION_DAYS = (14, 56)  # ... but at least and at most so many
LEARNING_RATES = (5e-4, 2e-3)  # a fit from nothing takes 4e-3
SETTINGS = FitSettings(batch_size=16, max_epochs=6, ema_momentum=EMA_MOMENTUM)  # 60 days: some 400 stretches


class TooFewDaysError(ValueError):
    """The region has not enough days to fine-tune on and to judge by."""


@dataclass(frozen=True)
class Choice:
    """A setting, how its loss fell, and what it does on the days that it was chosen on.

    Attributes:
        learning_rate: The setting with the smallest validation loss.
        epochs: Likewise.
        curve: Of that learning rate, over all epochs tried.
        comparison: Against the untouched weights.
    """

    learning_rate: float
    epochs: int
    curve: Curve
    comparison: Comparison


def finetune(
    source: Path, panels: Sequence[Panel], region: str, through: np.datetime64, folder: Path, *, seed: int = 1
) -> Choice:
    """Fine-tune a bundle to a region and write a candidate to ``folder``, which must not exist.

    Args:
        source: The bundle's folder.
        panels: Charts, the region's among them; the others are not looked at.
        region: Its code.
        through: The last day that may be learned from or chosen on.
        folder: Of the candidate.
        seed: Of the order of the examples.

    Raises:
        TooFewDaysError: there are fewer than ``FEWEST_DAYS`` days with a chart up to ``through``.
        ValueError: there is no chart of the region.
    """
    panel = _known_days(panels, region, through)
    bundle = start_bundle(source).bundle
    settings = replace(SETTINGS, seed=seed)
    choice = _choose(source, bundle, panel, settings)
    if choice.comparison.is_won:
        _save_tuned(
            source, bundle, panel, replace(settings, learning_rate=choice.learning_rate), choice, folder
        )
    else:
        _save_untouched(source, bundle, through, choice, folder)
    return choice


def _known_days(panels: Sequence[Panel], region: str, through: np.datetime64) -> Panel:
    found = {panel.region: panel for panel in panels}
    if region not in found:
        raise ValueError(
            f"there is no chart of {region} in the data given, only of {', '.join(sorted(found))}"
        )
    panel = found[region].until(through)
    charts = int(np.isfinite(panel.streams).any(axis=0).sum())
    if charts < FEWEST_DAYS:
        raise TooFewDaysError(
            f"{region} has {charts} days with a chart up to {through}: fine-tuning wants {FEWEST_DAYS}. "
            "Until then the bundle is better left as it is."
        )
    return panel


def _split(panel: Panel) -> np.datetime64:
    """The last day to learn from while choosing."""
    fewest, most = VALIDATION_DAYS
    held_out = np.clip(len(panel.days) // VALIDATION_SHARE, fewest, most)
    middle: np.datetime64 = panel.days[-1 - int(held_out)]
    return middle


def _choose(source: Path, bundle: Bundle, panel: Panel, settings: FitSettings) -> Choice:
    middle, end = _split(panel), panel.days[-1]
    training = examples_of([panel], bundle, settings, after=None, through=middle)
    validation = examples_of([panel], bundle, settings, after=middle, through=end)
    models, curves = {}, {}
    for rate in LEARNING_RATES:
        how = replace(settings, learning_rate=rate)
        models[rate], curves[rate] = fit_on(
            source, bundle, training, settings=how, epochs=settings.max_epochs, validation=validation
        )
    rate = min(LEARNING_RATES, key=lambda each: min(curves[each].validation))
    tuned, untouched = build_forecaster(models[rate], bundle.spec), start_bundle(source).forecaster
    day = np.timedelta64(1, "D")
    return Choice(
        rate,
        curves[rate].epochs,
        curves[rate],
        compare([panel], tuned, untouched, first=middle, last=end - day),
    )


def _save_tuned(
    source: Path, bundle: Bundle, panel: Panel, settings: FitSettings, choice: Choice, folder: Path
) -> None:
    through = panel.days[-1]
    training = examples_of([panel], bundle, settings, after=None, through=through)
    model, curve = fit_on(source, bundle, training, settings=settings, epochs=choice.epochs)
    curve = Curve(curve.training, choice.curve.validation)
    record = describe_warm_start(
        bundle, [panel], through, settings=settings, epochs=choice.epochs, curve=curve
    )
    record |= _chosen_on(bundle, through, choice)
    save_warm_start(model, bundle, folder, trained_through=through, training=record)


def _save_untouched(
    source: Path, bundle: Bundle, through: np.datetime64, choice: Choice, folder: Path
) -> None:
    record = {name: value for name, value in bundle.training.items() if name != "published"}
    record |= {"from": describe_source(bundle), **_chosen_on(bundle, through, choice)}
    save_candidate(replace(bundle, version=0, training=record), load_keras(source), folder)


def _chosen_on(bundle: Bundle, through: np.datetime64, choice: Choice) -> dict[str, Any]:
    """A candidate that was chosen on days has seen them, whether it learned from them or not."""
    before = bundle.training.get("validated_through") or ""
    return {"validated_through": max(before, str(through)), "finetuned": choice.comparison.to_json()}
