"""Fitting is the same for the same seed, and stops where a later period says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import TRAINED, plan_of
from training.bundles import load_keras
from training.fit import Curve
from training.panel import Panel
from training.recipes import Plan, fit_candidate


def test_the_same_seed_gives_the_same_weights(candidates: Path, panel: Panel, tmp_path: Path) -> None:
    fit_candidate(plan_of(panel, "lstm"), [panel], tmp_path / "again")
    one, again = (load_keras(path).get_weights() for path in (candidates / "lstm", tmp_path / "again"))
    for first, second in zip(one, again, strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_fresh_model_follows_its_seed(panel: Panel) -> None:
    plan = plan_of(panel, "lstm")
    other = replace(plan, settings=replace(plan.settings, seed=2))
    one, again, another = (
        p.build_track().get_layer("recurrent").get_weights()[0] for p in (plan, plan, other)
    )
    assert (one == again).all()
    assert (one != another).any()


def test_the_epochs_are_those_with_the_smallest_later_loss() -> None:
    assert Curve([3, 2, 1], [0.5, 0.3, 0.4]).epochs == 2
    assert Curve([3, 2, 1], [0.2, 0.3, 0.4]).epochs == 1
    assert Curve([3, 2, 1], [0.4, 0.3, 0.3]).epochs == 2  # of two alike the fewer
    assert Curve([3, 2, 1], []).epochs == 3


@pytest.mark.parametrize(("validate", "epochs"), [(False, None), (True, 3)])
def test_a_plan_names_a_later_period_or_a_number_of_epochs(
    panel: Panel, tmp_path: Path, validate: bool, epochs: int | None
) -> None:
    plan = Plan("lstm", panel.days[TRAINED], panel.days[TRAINED + 5] if validate else None, epochs)
    with pytest.raises(ValueError, match="name either a validation period"):
        fit_candidate(plan, [panel], tmp_path / "none")
    assert not (tmp_path / "none").exists()
