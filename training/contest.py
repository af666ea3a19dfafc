"""Who takes part in the protocol: the models, seed by seed and as ensembles, and their rivals."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from training.fit import FitSettings
from training.recipes import NAMES
from training.rivals.lightgbm import BoostingSettings
from training.warm_start import Warm

LIGHTGBM = "lightgbm"
JOINT = "multi_input-joint"
REFIT = "-refit"
ENSEMBLES = ("lstm", "multi_input")  # as they ship


@dataclass(frozen=True)
class Contest:
    """Who takes part, and how they are fitted.

    Attributes:
        seeds: The three models are fitted with the first of them, those of ``ENSEMBLES`` with each.
        rivals: Whether LightGBM, AutoETS and AutoTheta take part.
        fit: How models are fitted, but for the seed.
        boosting: How LightGBM is.
        warm: How the best model is trained on, month by month.
    """

    seeds: Sequence[int] = (1,)
    rivals: bool = True
    fit: FitSettings = field(default_factory=FitSettings)
    boosting: BoostingSettings = field(default_factory=BoostingSettings)
    warm: Warm = field(default_factory=Warm)

    @property
    def singles(self) -> list[str]:
        """The three models, and again with each further seed those of which there is an ensemble."""
        first, *others = self.seeds
        again = [model_label(name, seed) for seed in others for name in ENSEMBLES]
        return [*(model_label(name, first) for name in NAMES), *again]

    @property
    def ensembles(self) -> list[str]:
        """The means of all seeds; none where there is one seed."""
        return [ensemble_label(name) for name in ENSEMBLES] if len(self.seeds) > 1 else []

    @property
    def refitted(self) -> str:
        """What is trained on month by month: multi_input, all its seeds together."""
        return ensemble_label("multi_input") if self.ensembles else model_label("multi_input", self.seeds[0])

    @property
    def fixed(self) -> list[str]:
        """The models whose weights stay as they are through a fold, the jointly trained one included."""
        return [*self.singles, JOINT, *self.ensembles]

    @property
    def models(self) -> list[str]:
        """All of ours: those and the one that is trained on."""
        return [*self.fixed, self.refitted + REFIT]

    @property
    def calibrated(self) -> list[str]:
        """Those whose intervals are looked at: the three, the ensembles, and the one that is trained on."""
        return [*self.singles[: len(NAMES)], *self.ensembles, self.refitted + REFIT]

    @property
    def methods(self) -> list[str]:
        """What is on every cell of a test beside the baselines."""
        return [*self.models, LIGHTGBM] if self.rivals else self.models

    @property
    def methods_on_validation(self) -> list[str]:
        """Those that have not learned from the period that each fold is chosen on."""
        return [name for name in self.methods if not name.endswith(REFIT)]

    @property
    def recurrent_parts(self) -> dict[str, str]:
        """Each multi-input model and the model without metadata that it is held against."""
        of_seeds = {model_label("multi_input", s): model_label("lstm", s) for s in self.seeds}
        of_seeds[JOINT] = model_label("lstm", self.seeds[0])
        if self.ensembles:
            of_seeds[ensemble_label("multi_input")] = ensemble_label("lstm")
        return of_seeds


def model_label(name: str, seed: int) -> str:
    """A model's name, with its seed where that is not the first."""
    return name if seed == 1 else f"{name}-{seed}"


def ensemble_label(name: str) -> str:
    """Of the mean of a model's seeds."""
    return f"{name}-ensemble"
