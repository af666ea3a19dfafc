"""The periods that methods are judged on, each with the earlier days that they may learn from."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Fold:
    """A test period and the two periods before it. All days are inclusive.

    Attributes:
        name: Of its folder and its column.
        train_through: The last target day that is learned from.
        validate_through: Later target days up to here are for choosing: epochs, rounds, settings.
        first: The first cutoff of the test.
        last: The last one.

    Raises:
        ValueError: the periods are not one after the other, so that a target that was learned from or
            chosen on would lie after the first cutoff.
    """

    name: str
    train_through: np.datetime64
    validate_through: np.datetime64
    first: np.datetime64
    last: np.datetime64

    def __post_init__(self) -> None:
        if not self.train_through < self.validate_through <= self.first <= self.last:
            raise ValueError(
                f"fold {self.name} trains through {self.train_through} and validates through "
                f"{self.validate_through}: both must come before its test, {self.first} to {self.last}"
            )

    @property
    def validation_cutoffs(self) -> tuple[np.datetime64, np.datetime64]:
        """The first and the last cutoff whose next day is a validation target."""
        return self.train_through, self.validate_through - np.timedelta64(1, "D")


def _fold(name: str, *days: str) -> Fold:
    return Fold(name, *(np.datetime64(day, "D") for day in days))


# Of the Philippines' chart: each validates on the four months before its test and trains on all before those.
FOLDS = (
    _fold("1", "2019-06-30", "2019-10-31", "2019-11-01", "2020-02-29"),
    _fold("2", "2019-10-31", "2020-02-29", "2020-03-01", "2020-06-30"),
    _fold("3", "2020-02-29", "2020-06-30", "2020-07-01", "2020-10-31"),
    _fold("4", "2020-06-30", "2020-10-31", "2020-11-01", "2020-12-30"),
)
