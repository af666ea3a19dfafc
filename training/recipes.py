"""How each of the three models is made: built, its epochs chosen, fitted, exported to a candidate bundle."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from app.forecasting.bundle import load_bundle
from app.forecasting.spec import ForecastSpec
from training.bundles import build_bundle, load_keras, save_candidate
from training.data import fingerprint
from training.dataset import Examples, build_examples, build_market_examples, concatenate
from training.fit import Curve, FitSettings, fit
from training.models.gru import build_gru
from training.models.lstm import build_lstm
from training.models.market import build_market, join
from training.models.multi_input import build_multi_input, is_new
from training.panel import Panel

# The second stage corrects a part that is trained already, on the few steps of new tracks alone.
SECOND_STAGE_SETTINGS = FitSettings(max_epochs=20, learning_rate=2e-3, weight_decay=1e-2)
# The market's part learns from a thousand days: small batches, many epochs. Chosen on the validation periods.
MARKET_SETTINGS = FitSettings(max_epochs=30, batch_size=4, learning_rate=3e-3, weight_decay=1e-2)

NAMES = ("lstm", "gru", "multi_input")


@dataclass(frozen=True)
class Plan:
    """What to fit, on which days.

    Attributes:
        name: lstm, gru or multi_input.
        train_through: The last target day that is learned from.
        validate_through: Later target days up to here choose the epochs; None: ``epochs`` says how many.
        epochs: How many, instead of choosing.
        inputs: What the model sees, but for the metadata that multi_input adds.
        learn_after: The tracks' part learns from target days after it; None: from all that there are.
        least_observed: Its examples of a period are of tracks that were observed on so many days by its end.
        recode: What is done to the examples of both parts, whose channels are named, before they are
            fitted; None: nothing.
        recurrent: For multi_input: the bundle folder of the recurrent part to keep as it is (two
            stages), market's part included; None: all parts are trained.
        market: The bundle folder whose market's part to take; None: it is trained.
        settings: How to fit; the seed is for all parts.
        market_settings: How to fit the market's part, for all its ``max_epochs``.
        second_stage_settings: How to fit the second of two stages.
    """

    name: str
    train_through: np.datetime64
    validate_through: np.datetime64 | None = None
    epochs: int | None = None
    inputs: ForecastSpec = field(default_factory=ForecastSpec)
    learn_after: np.datetime64 | None = None
    least_observed: int = 1
    recode: Callable[[Examples, tuple[str, ...]], Examples] | None = None
    recurrent: Path | None = None
    market: Path | None = None
    settings: FitSettings = field(default_factory=FitSettings)
    market_settings: FitSettings = MARKET_SETTINGS
    second_stage_settings: FitSettings = SECOND_STAGE_SETTINGS

    @property
    def fit_settings(self) -> FitSettings:
        """How to fit the tracks' part: the second of two stages in a way of its own."""
        if self.recurrent is None:
            return self.settings
        return replace(self.second_stage_settings, seed=self.settings.seed)

    @property
    def spec(self) -> ForecastSpec:
        """Of the model."""
        return self.inputs.with_metadata() if self.name == "multi_input" else self.inputs

    @property
    def parts(self) -> tuple[Path, ...]:
        """The bundles that parts are taken from."""
        return tuple(path for path in (self.recurrent, self.market) if path is not None)

    def recoded(self, examples: Examples, channels: tuple[str, ...]) -> Examples:
        """The examples as this plan fits them."""
        return examples if self.recode is None else self.recode(examples, channels)

    def build_track(self) -> keras.Model:
        """The tracks' part with fresh weights, the same for the same seed."""
        keras.utils.set_random_seed(self.settings.seed)
        builders: dict[str, Callable[[ForecastSpec], keras.Model]] = {"lstm": build_lstm, "gru": build_gru}
        if self.name in builders:
            return builders[self.name](self.spec)
        recurrent = None if self.recurrent is None else load_keras(self.recurrent).get_layer("track")
        return build_multi_input(self.spec, recurrent)


def fit_candidate(plan: Plan, panels: Sequence[Panel], folder: Path) -> None:
    """Fit as planned and write an unpublished bundle to ``folder``, which must not exist.

    Raises:
        ValueError: the plan names neither a validation period nor a number of epochs, a part that it
            takes learned from later days than it, or there is no target in a period.
    """
    if (plan.validate_through is None) == (plan.epochs is None):
        raise ValueError("name either a validation period to choose the epochs on, or their number")
    _check_parts(plan)
    market = _market_part(plan, panels)
    first = min(panel.days[0] for panel in panels)
    training = _examples(panels, plan, plan.learn_after or first, plan.train_through)
    track = plan.build_track()
    curve = _fit_track(plan, track, panels, training)
    record = _describe(plan, panels, curve)
    model = join(plan.name, _twin(plan.build_track(), track), market, plan.spec)
    bundle = build_bundle(model, plan.spec, trained_through=str(plan.train_through), training=record)
    save_candidate(bundle, model, folder)


def _check_parts(plan: Plan) -> None:
    for part in plan.parts:
        seen = load_bundle(part).trained_through
        if seen > str(plan.train_through):
            raise ValueError(
                f"the part taken from {part} learned from days through {seen}, later than "
                f"{plan.train_through}: take one that was trained no further"
            )


def _market_part(plan: Plan, panels: Sequence[Panel]) -> keras.Model:
    """The market's part: of a bundle, or fitted for a fixed number of epochs."""
    taken = plan.recurrent or plan.market
    if taken is not None:
        return load_keras(taken).get_layer("market")
    settings = replace(plan.market_settings, seed=plan.settings.seed)
    keras.utils.set_random_seed(settings.seed)
    market = build_market(plan.spec)
    examples = concatenate([build_market_examples(p, plan.spec, through=plan.train_through) for p in panels])
    examples = plan.recoded(examples, plan.spec.market_covariates)
    print(f"{plan.name}: fitting the market's part on {len(examples)} stretches")
    fit(market, plan.spec, examples, settings=settings, epochs=settings.max_epochs)
    return _twin(build_market(plan.spec), market)


def _twin(fresh: keras.Model, fitted: keras.Model) -> keras.Model:
    """The weights of ``fitted`` in a model that knows no optimizer, to be saved without one."""
    fresh.set_weights(fitted.get_weights())
    return fresh


def _validated_through(plan: Plan) -> str | None:
    """The last day that epochs were chosen on, those of the parts taken from bundles included."""
    chosen = [] if plan.validate_through is None else [str(plan.validate_through)]
    chosen += [load_bundle(part).training["validated_through"] or "" for part in plan.parts]
    return max(chosen, default="") or None


def _fit_track(plan: Plan, track: keras.Model, panels: Sequence[Panel], training: Examples) -> Curve:
    """Fit for the epochs given, or for those that are best on the validation period."""
    about = f"{len(training)} stretches through {plan.train_through}"
    if plan.validate_through is None:
        print(f"{plan.name}: fitting {plan.epochs} epochs on {about}")
        return fit(track, plan.spec, training, settings=plan.fit_settings, epochs=plan.epochs or 0)
    validation = _examples(panels, plan, plan.train_through, plan.validate_through)
    print(f"{plan.name}: fitting on {about}, the epochs chosen on {len(validation)} later ones")
    settings = plan.fit_settings
    epochs = settings.max_epochs
    return fit(track, plan.spec, training, settings=settings, epochs=epochs, validation=validation)


def _examples(panels: Sequence[Panel], plan: Plan, after: np.datetime64, through: np.datetime64) -> Examples:
    power, least = plan.settings.weight_power, plan.least_observed
    parts = [
        build_examples(p, plan.spec, after=after, through=through, power=power, least_observed=least)
        for p in panels
    ]
    examples = plan.recoded(concatenate(parts), plan.spec.covariates)
    if plan.recurrent is None:
        return examples
    new = is_new(plan.spec, examples.inputs["covariates"]) & (examples.weights > 0)
    return examples.where(new) if new.any() else examples  # no new track: nothing to learn, nothing to lose


def _describe(plan: Plan, panels: Sequence[Panel], curve: Curve) -> dict[str, Any]:
    return {
        "regions": {p.region: [str(p.days[0]), str(plan.train_through)] for p in panels},
        "data": fingerprint([panel.until(plan.train_through) for panel in panels]),
        "settings": asdict(plan.fit_settings),
        "market_settings": asdict(plan.market_settings),
        "epochs": curve.epochs,
        "validated_through": _validated_through(plan),
        "recurrent": None if plan.recurrent is None else plan.recurrent.name,
        "market": None if plan.market is None else plan.market.name,
        "training_loss": curve.training,
        "validation_loss": curve.validation,
    }
