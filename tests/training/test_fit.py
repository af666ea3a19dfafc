"""Fitting is the same for the same seed, and stops where a later period says."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.conftest import TRAINED, plan_of
from training.bundles import load_keras
from training.dataset import Examples
from training.fit import Curve, _dataset
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


def test_an_epoch_has_every_stretch_once_in_an_order_of_its_own_that_follows_the_seed() -> None:
    numbers = np.arange(21, dtype=np.float32)
    examples = Examples({"covariates": numbers}, 2 * numbers, 3 * numbers)

    def read_epochs(seed: int | None) -> list[list[float]]:
        batches = _dataset(examples, 4, seed)
        return [_read_numbers(batches) for _ in range(2)]

    first, second = read_epochs(1)
    assert first != second
    assert sorted(first) == sorted(second) == list(numbers)
    assert read_epochs(1) == [first, second]
    assert read_epochs(2) != [first, second]
    assert read_epochs(None) == [list(numbers)] * 2


def _read_numbers(batches: Iterable[Any]) -> list[float]:
    """The numbers of an epoch, whose targets and weights are those of the same stretch."""
    read: list[float] = []
    for inputs, targets, weights in batches:
        of_batch = np.asarray(inputs["covariates"])
        np.testing.assert_array_equal(targets, 2 * of_batch)
        np.testing.assert_array_equal(weights, 3 * of_batch)
        read.extend(of_batch)
    return read
