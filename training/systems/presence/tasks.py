"""What is asked of the methods: an outcome of some of the cells, a probability each."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Floats
from app.forecasting.market_covariates import HORIZON
from app.forecasting.presence import TOP
from training.systems.presence.cells import FAR, Cells

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Task:
    """One question.

    Attributes:
        name: staying (in the top 200), top50, return_on (a day), return (on any of 7), far200 or far50.
        ahead: Days.
        whom: The cells that it is asked of.
        outcome: 1 or 0; NaN where it is not known. (cells,)
    """

    name: str
    ahead: int
    whom: Callable[[Cells], Bools]
    outcome: Callable[[Cells], Floats]

    @property
    def label(self) -> str:
        """Of its figures."""
        return f"{self.name}_{self.ahead}"

    def of(self, cells: Cells) -> tuple[Cells, Floats]:
        """The cells that it is asked of and whose outcome is known, and their outcomes."""
        outcome = self.outcome(cells)
        asked = self.whom(cells) & np.isfinite(outcome)
        return cells.where(asked), outcome[asked]


def _charting(cells: Cells) -> Bools:
    return cells.charting


def _off(cells: Cells) -> Bools:
    return ~cells.charting


def _in_top(cells: Cells) -> Bools:
    return cells.charting & (cells.position <= TOP)


def _of_step(name: str, whom: Callable[[Cells], Bools], values: str, step: int) -> Task:
    return Task(name, step, whom, lambda cells: getattr(cells, values)[:, step - 1])


STAYING = tuple(_of_step("staying", _charting, "chart", step) for step in range(1, HORIZON + 1))
TOP50 = tuple(_of_step("top50", _charting, "top50", step) for step in range(1, HORIZON + 1))
RETURN_ON = tuple(_of_step("return_on", _off, "chart", step) for step in range(1, HORIZON + 1))
RETURN = Task("return", HORIZON, _off, lambda cells: cells.week)
FAR200 = Task("far200", FAR, _charting, lambda cells: cells.far[:, 0])
FAR50 = Task("far50", FAR, _in_top, lambda cells: cells.far[:, 1])

TASKS = (*STAYING, *TOP50, *RETURN_ON, RETURN, FAR200, FAR50)
# What every rival is fitted for; one alone for each costs minutes.
CONTESTED = (STAYING[0], STAYING[6], TOP50[0], RETURN, FAR200, FAR50)
# Of them, what the papers ask a support vector machine.
OF_PAPERS = (STAYING[0], TOP50[0], RETURN, FAR200, FAR50)
