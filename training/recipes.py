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
from training.dataset import Examples, build_examples, concatenate
from training.fit import Curve, FitSettings, fit
from training.models.gru import build_gru
from training.models.lstm import build_lstm
from training.models.multi_input import build_multi_input
from training.panel import Panel

# The second stage corrects a part that is trained already. At the first stage's rate its MAE was 1.003 and
# .990 of that part's on two validation periods; at this one .999 on both: less to win, nothing to lose.
SECOND_STAGE_LEARNING_RATE = 1e-3

NAMES = ("lstm", "gru", "multi_input")


@dataclass(frozen=True)
class Plan:
    """What to fit, on which days.

    Attributes:
        name: lstm, gru or multi_input.
        train_through: The last target day that is learned from.
        validate_through: Later target days up to here choose the epochs; None: ``epochs`` says how many.
        epochs: How many, instead of choosing.
        recurrent: For multi_input: the bundle folder of the recurrent part to keep as it is (two
            stages); None: both parts are trained jointly.
        settings: How to fit.
    """

    name: str
    train_through: np.datetime64
    validate_through: np.datetime64 | None = None
    epochs: int | None = None
    recurrent: Path | None = None
    settings: FitSettings = field(default_factory=FitSettings)

    @property
    def fit_settings(self) -> FitSettings:
        """How to fit, with the second stage's learning rate where this is one."""
        if self.recurrent is None:
            return self.settings
        return replace(self.settings, learning_rate=SECOND_STAGE_LEARNING_RATE)

    @property
    def spec(self) -> ForecastSpec:
        """Of the model."""
        return ForecastSpec().with_metadata() if self.name == "multi_input" else ForecastSpec()

    def build_model(self) -> keras.Model:
        """A model with fresh weights, the same for the same seed."""
        keras.utils.set_random_seed(self.settings.seed)
        builders: dict[str, Callable[[ForecastSpec], keras.Model]] = {"lstm": build_lstm, "gru": build_gru}
        if self.name in builders:
            return builders[self.name](self.spec)
        return build_multi_input(self.spec, None if self.recurrent is None else load_keras(self.recurrent))


def fit_candidate(plan: Plan, panels: Sequence[Panel], folder: Path) -> None:
    """Fit as planned and write an unpublished bundle to ``folder``, which must not exist.

    Raises:
        ValueError: the plan names neither a validation period nor a number of epochs, its recurrent
            part learned from later days than it, or there is no target in a period.
    """
    if (plan.validate_through is None) == (plan.epochs is None):
        raise ValueError("name either a validation period to choose the epochs on, or their number")
    _check_recurrent_part(plan)
    beginning = min(panel.days[0] for panel in panels)
    training = _examples(panels, plan, beginning, plan.train_through)
    chosen = _choose_epochs(plan, panels, training)
    epochs = plan.epochs or (chosen.best_epochs if chosen else 0)
    model = plan.build_model()
    print(f"{plan.name}: fitting {epochs} epochs on {len(training)} stretches through {plan.train_through}")
    curve = fit(model, plan.spec, training, settings=plan.fit_settings, epochs=epochs)
    record = _describe(plan, panels, epochs, curve, chosen)
    bundle = build_bundle(model, plan.spec, trained_through=str(plan.train_through), training=record)
    save_candidate(bundle, model, folder)


def _check_recurrent_part(plan: Plan) -> None:
    if plan.recurrent is None:
        return
    seen = load_bundle(plan.recurrent).trained_through
    if seen > str(plan.train_through):
        raise ValueError(
            f"the recurrent part {plan.recurrent} learned from days through {seen}, later than "
            f"{plan.train_through}: take one that was trained no further"
        )


def _validated_through(plan: Plan) -> str | None:
    """The last day that epochs were chosen on, those of the recurrent part included."""
    chosen = [] if plan.validate_through is None else [str(plan.validate_through)]
    if plan.recurrent is not None:
        chosen += [load_bundle(plan.recurrent).training["validated_through"] or ""]
    return max(chosen, default="") or None


def _choose_epochs(plan: Plan, panels: Sequence[Panel], training: Examples) -> Curve | None:
    if plan.validate_through is None:
        return None
    validation = _examples(panels, plan, plan.train_through, plan.validate_through)
    print(f"{plan.name}: choosing the epochs on {len(validation)} stretches through {plan.validate_through}")
    return fit(
        plan.build_model(),
        plan.spec,
        training,
        settings=plan.fit_settings,
        epochs=plan.settings.max_epochs,
        validation=validation,
    )


def _examples(panels: Sequence[Panel], plan: Plan, after: np.datetime64, through: np.datetime64) -> Examples:
    power = plan.settings.weight_power
    parts = [build_examples(p, plan.spec, after=after, through=through, power=power) for p in panels]
    return concatenate(parts)


def _describe(
    plan: Plan, panels: Sequence[Panel], epochs: int, curve: Curve, chosen: Curve | None
) -> dict[str, Any]:
    return {
        "regions": {p.region: [str(p.days[0]), str(plan.train_through)] for p in panels},
        "data": fingerprint([panel.until(plan.train_through) for panel in panels]),
        "settings": asdict(plan.fit_settings),
        "epochs": epochs,
        "validated_through": _validated_through(plan),
        "recurrent": None if plan.recurrent is None else plan.recurrent.name,
        "training_loss": curve.training,
        "validation_loss": chosen.validation if chosen else [],
    }
