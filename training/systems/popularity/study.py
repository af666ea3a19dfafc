"""Every method on every fold: tuned on months before the test, learned from all before it, tested once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Days, Floats
from app.forecasting.popularity import INPUTS, WINDOW
from training.folds import Fold
from training.systems.popularity.contestants import GROUPS, Choice, Contestant, Lesson
from training.systems.popularity.outcomes import Scale
from training.systems.popularity.rows import Rows
from training.systems.popularity.scoring import compare, join_answers, judge, score_answers

BLOCKS, MONTHS = 3, 4  # to choose on: a year of entries in a row, the last that were over by then
TUNING_SEEDS = 2
GROUP_SEEDS = 1  # of a method that sees some of the inputs alone


@dataclass
class Study:
    """Methods, and what has been found of them.

    Attributes:
        rows: Of all tracks; what a method learns from is complete before what it is asked of enters.
        contestants: The first is what the others are compared with.
        seeds: Of every fit that a test scores.
        tried: What each of a method's settings came to, by method and block.
    """

    rows: Rows
    contestants: Sequence[Contestant]
    seeds: Sequence[int]
    tried: dict[tuple[str, np.datetime64], list[list[tuple[Floats, Floats]]]] = field(default_factory=dict)

    def choose(self, contestant: Contestant, through: np.datetime64) -> Choice:
        """The settings that did best on the last year of entries that are over by ``through``.

        Raises:
            ValueError: there is no entry in a part of that year, or none whose outcome was known before it.
        """
        blocks = [self._try(contestant, _shift(through, -MONTHS * i)) for i in range(BLOCKS)]
        best: tuple[float, Choice] | None = None
        for i, choices in enumerate(contestant.choices):
            for j, choice in enumerate(choices):
                answers, targets = zip(*(block[i][j] for block in blocks), strict=True)
                loss = judge(np.concatenate(answers), np.concatenate(targets))
                if best is None or loss < best[0]:
                    best = (loss, choice)
        assert best is not None
        return best[1]

    def _try(self, contestant: Contestant, end: np.datetime64) -> list[list[tuple[Floats, Floats]]]:
        """What each setting says of the months of entries that are over by ``end``, and what came of them."""
        key = (contestant.name, end)
        if key not in self.tried:
            eve = _shift(end, -MONTHS) - (WINDOW - 1)
            lesson, scale = build_lesson(self.rows, eve)
            asked = self.rows.after(eve).complete(end)
            if not len(asked):
                raise ValueError(f"no track entered after {eve} whose 60 days are over by {end}")
            targets = scale.targets(asked)
            self.tried[key] = [
                [(answers, targets) for answers in _mean_answers(contestant, lesson, asked.inputs, choices)]
                for choices in contestant.choices
            ]
        return self.tried[key]

    def asked_in(self, fold: Fold) -> Rows:
        """The tracks that enter in a fold's test, as far as their 60 days are over."""
        entered = self.rows.after(fold.first - 1)
        return entered.where((entered.entries <= fold.last) & np.isfinite(entered.days))

    def test(self, fold: Fold) -> "Tested":
        """Every method's answers, tuned on the months before the fold's test, of the tracks that enter in it.

        Raises:
            ValueError: there is too little before the test.
        """
        lesson, scale = build_lesson(self.rows, fold.validate_through)
        asked = self.asked_in(fold)
        answers: dict[str, list[Floats]] = {}
        chosen: dict[str, Choice] = {}
        for contestant in self.contestants:
            choice = chosen[contestant.name] = self.choose(contestant, fold.validate_through)
            for group, names in GROUPS.items():
                columns = [INPUTS.index(name) for name in names]
                part = Lesson(names, lesson.inputs[:, columns], lesson.targets)
                others = asked.inputs[:, columns]
                key = contestant.name if group == "all" else f"{contestant.name}: {group}"
                seeds = self.seeds if group == "all" else self.seeds[:GROUP_SEEDS]
                answers[key] = [next(contestant.answer(part, others, [choice], seed)) for seed in seeds]
        return Tested(fold.name, len(lesson.inputs), asked.entries, scale.targets(asked), answers, chosen)


@dataclass(frozen=True)
class Tested:
    """A fold's answers, by method and seed, and what came. (tracks, 6) each"""

    fold: str
    learned: int
    entries: Days
    targets: Floats
    answers: dict[str, list[Floats]]
    chosen: dict[str, Choice]


def build_lesson(rows: Rows, through: np.datetime64) -> tuple[Lesson, Scale]:
    """All that can be learned by ``through``: the tracks whose 60 days are over by then.

    Raises:
        ValueError: there is none.
    """
    learned = rows.complete(through)
    if not len(learned):
        raise ValueError(f"no track's 60 days are over by {through}: give a longer chart")
    scale = Scale(learned)
    return Lesson(INPUTS, learned.inputs, scale.targets(learned)), scale


def summarise(tests: Sequence[Tested], reference: str, rival: str) -> dict[str, Any]:
    """Figures of every method over all folds' tracks, and of the networks on each fold.

    Args:
        tests: A fold each.
        reference: The method whose gain over ``rival`` is given.
        rival: On the same tracks.
    """
    targets = np.concatenate([test.targets for test in tests])
    entries = np.concatenate([test.entries for test in tests])
    methods = {}
    means = {}
    for name in tests[0].answers:
        by_seed = [np.concatenate(parts) for parts in zip(*(t.answers[name] for t in tests), strict=True)]
        means[name] = join_answers(by_seed)
        methods[name] = score_answers(means[name], targets) | {
            "seeds": _spread([score_answers(answers, targets) for answers in by_seed])
        }
    return {
        "tracks": len(targets),
        "methods": methods,
        "gains": {f"{reference} over {rival}": compare(means[reference], means[rival], targets, entries)},
        "folds": {
            test.fold: {
                "learned": test.learned,
                "tracks": len(test.targets),
                "chosen": test.chosen,
                **{
                    name: score_answers(join_answers(test.answers[name]), test.targets)
                    for name in test.chosen
                },
            }
            for test in tests
        },
    }


def _spread(figures: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """Smallest and largest of some figures over the seeds."""
    names = ("macro_f1", "accuracy", "log_loss", "r2")
    return {name: [min(f[name] for f in figures), max(f[name] for f in figures)] for name in names}


def _mean_answers(
    contestant: Contestant, lesson: Lesson, others: NDArray[np.float32], choices: Sequence[Choice]
) -> list[Floats]:
    by_seed = [list(contestant.answer(lesson, others, choices, seed)) for seed in range(1, TUNING_SEEDS + 1)]
    return [join_answers(answers) for answers in zip(*by_seed, strict=True)]


def _shift(month_end: np.datetime64, months: int) -> np.datetime64:
    """The last day of the month that lies so many months after that of ``month_end``."""
    following = (month_end + 1).astype("datetime64[M]") + months
    ended: np.datetime64 = following.astype("datetime64[D]") - 1
    return ended
