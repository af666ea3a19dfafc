"""What every measurement is given: a scratch folder, how many rounds, and how much in each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from time import monotonic

from tests.bench.report import Row

Measure = Callable[[], float]


@dataclass(frozen=True)
class Setting:
    """How large a run is.

    Attributes:
        folder: For stores; it goes when the run ends.
        rounds: How often each figure is taken.
        share: Of the full counts; a trial run takes less.
        deadline: Of the whole run, on the monotonic clock.
    """

    folder: Path
    rounds: int = 5
    share: float = 1.0
    deadline: float = inf

    def count(self, full: int) -> int:
        """The part of ``full`` that is to be done, one at least."""
        return max(1, round(full * self.share))

    def interleave(
        self, measures: Mapping[str, Measure], *, budget_seconds: float = 120
    ) -> dict[str, list[float]]:
        """Take each measure once a round, in turn, so that a slow spell of the machine hits all of them.

        No round begins after ``budget_seconds`` or the deadline; the first one always does.
        """
        taken: dict[str, list[float]] = {name: [] for name in measures}
        end = min(monotonic() + budget_seconds, self.deadline)
        for done in range(self.rounds):
            if done and monotonic() > end:
                break
            for name, measure in measures.items():
                taken[name].append(measure())
        return taken


Section = Callable[[Setting], Iterable[Row]]


def ratios(over: Iterable[float], under: Iterable[float]) -> list[float]:
    """``over`` divided by ``under``, round by round."""
    return [a / b for a, b in zip(over, under, strict=True)]
