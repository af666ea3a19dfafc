"""Each fold learns and chooses on days before its test, and the tests tile the period."""

import itertools

import numpy as np
import pytest

from training.folds import FOLDS, Fold

DAY = np.timedelta64(1, "D")


def test_every_fold_validates_on_the_four_months_before_its_test_and_trains_on_all_before_those() -> None:
    for fold in FOLDS:
        assert fold.validate_through == fold.first - DAY
        month = fold.first.astype("datetime64[M]")
        assert fold.train_through + DAY == (month - 4).astype("datetime64[D]")


def test_the_tests_follow_one_another_from_november_2019_to_the_day_before_the_last() -> None:
    assert (str(FOLDS[0].first), str(FOLDS[-1].last)) == ("2019-11-01", "2020-12-30")
    for one, after in itertools.pairwise(FOLDS):
        assert after.first == one.last + DAY


def test_the_validation_cutoffs_are_those_whose_next_day_is_chosen_on() -> None:
    first, last = FOLDS[3].validation_cutoffs
    assert (str(first), str(last)) == ("2020-06-30", "2020-10-30")


@pytest.mark.parametrize(
    "days",
    [
        ("2020-02-01", "2020-02-01", "2020-03-01", "2020-03-02"),  # nothing to choose on
        ("2020-02-01", "2020-03-02", "2020-03-01", "2020-03-02"),  # a target after the first cutoff
        ("2020-02-01", "2020-02-20", "2020-03-01", "2020-02-28"),  # no test
    ],
)
def test_a_fold_that_would_learn_from_its_test_is_refused(days: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="both must come before its test"):
        Fold("bad", *(np.datetime64(day, "D") for day in days))
