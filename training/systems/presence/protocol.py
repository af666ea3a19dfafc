"""Every method on the same cells of every fold, each fitted on the fold's own earlier days."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from app.forecasting.history import Floats
from app.forecasting.presence import read_outputs
from training.folds import Fold
from training.panel import Panel
from training.systems.presence.cells import FAR, Cells, build_cells, join
from training.systems.presence.figures import reliability, score
from training.systems.presence.network import (
    Answers,
    Chosen,
    Head,
    NetworkSettings,
    far_day,
    fit_head,
    next_days,
)
from training.systems.presence.rivals import (
    SHARES,
    Predict,
    RivalSettings,
    fit_boosting,
    fit_logistic,
    fit_shares,
    fit_svm,
)
from training.systems.presence.tasks import (
    CONTESTED,
    FAR50,
    FAR200,
    OF_PAPERS,
    RETURN,
    RETURN_ON,
    STAYING,
    TASKS,
    TOP50,
    Task,
)

HEAD, LOGISTIC, BOOSTING, SVM = "presence", "logistic", "lightgbm", "svm"
ONE_DAY = np.timedelta64(1, "D")
Scored = dict[str, dict[str, Floats]]  # by task: outcomes (under "") and each method's probabilities


@dataclass(frozen=True)
class PresenceSettings:
    """How all methods are fitted; without ``rivals`` there are shares alone beside our head."""

    network: NetworkSettings = field(default_factory=NetworkSettings)
    rivals: RivalSettings | None = field(default_factory=RivalSettings)


@dataclass(frozen=True)
class FoldResult:
    """What a fold came to.

    Attributes:
        fold: The periods.
        scored: Outcomes and probabilities of its test cells, by task.
        ranks: Of its test cells that chart, by days ahead: the rank, ours, and the last one.
        chosen: Of our networks, on validation.
    """

    fold: Fold
    scored: Scored
    ranks: dict[int, dict[str, Floats]]
    chosen: Chosen


def run_fold(fold: Fold, panels: Sequence[Panel], settings: PresenceSettings) -> FoldResult:
    """Fit all methods on a fold's training days, choose on its validation days, and put them on its test.

    Raises:
        ValueError: a period is too short, or the charts do not hold it.
    """
    training, validation, test = build_periods(fold, panels)
    scored: Scored = {task.label: {"": task.of(test)[1]} for task in TASKS}
    head = fit_head(training, validation, next_days, settings.network)
    ranks = _add_head(scored, head, test)
    _add_far(scored, settings, training, validation, test)
    for name, predict_of in _rivals(training, validation, settings.rivals).items():
        for task, predict in predict_of.items():
            scored[task.label][name] = predict(task.of(test)[0])
    return FoldResult(fold, scored, ranks, head.chosen)


def build_periods(fold: Fold, panels: Sequence[Panel]) -> tuple[Cells, Cells, Cells]:
    """The cells to learn from, to choose on and to be tested on.

    Raises:
        ValueError: a period is too short to know of two months ahead, or the charts do not hold it.
    """
    known = [panel.until(fold.validate_through) for panel in panels]
    begin = min(panel.days[0] for panel in panels)
    training = _cells(known, begin, fold.train_through - ONE_DAY, fold.train_through)
    validation = _cells(known, fold.train_through, fold.validate_through - ONE_DAY, fold.validate_through)
    test = join([build_cells(panel, fold.first, fold.last, panel.days[-1]) for panel in panels])
    if not all(len(FAR50.of(cells)[0]) for cells in (training, validation, test)):
        raise ValueError(f"a period of fold {fold.name} knows of no day {FAR} days ahead: give longer ones")
    return training, validation, test


def _cells(
    panels: Sequence[Panel], first: np.datetime64, last: np.datetime64, through: np.datetime64
) -> Cells:
    return join([build_cells(panel, max(first, panel.days[0]), last, through) for panel in panels])


def _add_head(scored: Scored, head: Head, test: Cells) -> dict[int, dict[str, Floats]]:
    """Put our probabilities beside the others'; what we say of ranks where the tracks chart."""
    presence = read_outputs(test.rows, to_outputs(head.answer(test.rows)))
    said = {"staying": presence.chart, "return_on": presence.chart, "top50": presence.top50}
    for task in (*STAYING, *TOP50, *RETURN_ON):
        chosen = task.whom(test) & np.isfinite(task.outcome(test))
        scored[task.label][HEAD] = said[task.name][chosen, task.ahead - 1]
    scored[RETURN.label][HEAD] = presence.week[RETURN.whom(test) & np.isfinite(RETURN.outcome(test))]
    found = {}
    for step in range(1, test.rank.shape[1] + 1):
        charts = test.charting & np.isfinite(test.rank[:, step - 1])
        found[step] = {
            "": test.rank[charts, step - 1],
            HEAD: presence.rank[charts, step - 1],
            "rank today": test.position[charts],
        }
    return found


def to_outputs(answers: Answers) -> np.ndarray:
    """A network's answers as the served graph gives them."""
    chances = [_sigmoid(answers[name]) for name in ("chart", "top50")]
    return np.concatenate([*chances, answers["rank"]], axis=1).astype(np.float32)


def _sigmoid(values: Floats) -> Floats:
    chances: Floats = 1 / (1 + np.exp(-values))
    return chances


def _add_far(
    scored: Scored, settings: PresenceSettings, training: Cells, validation: Cells, test: Cells
) -> None:
    """Two months ahead is asked of a network of its own, from the cells that chart."""
    learned, later = (cells.where(FAR200.whom(cells)) for cells in (training, validation))
    how = replace(settings.network, seeds=settings.network.seeds[:1], max_epochs=6)
    head = fit_head(learned, later, far_day, how)
    for column, task in enumerate((FAR200, FAR50)):
        said = head.answer(task.of(test)[0].rows)["far"]
        scored[task.label][HEAD] = _sigmoid(said[:, column])


def _rivals(
    training: Cells, validation: Cells, settings: RivalSettings | None
) -> Mapping[str, dict[Task, Predict]]:
    found: dict[str, dict[Task, Predict]] = defaultdict(dict)
    for task in TASKS:
        for name, keys in SHARES.items():
            found[name][task] = fit_shares(keys, *task.of(training))
    if settings is None:
        return found
    found[LOGISTIC] = {task: fit_logistic(task.of(training)) for task in TASKS}
    for task in CONTESTED:
        print(f"rivals: {task.label}", flush=True)
        learned, later = task.of(training), task.of(validation)
        found[BOOSTING][task] = fit_boosting(learned, later, settings)
        if task in OF_PAPERS:
            found[SVM][task] = fit_svm(learned, later, settings)
    return found


def summarise(results: Sequence[FoldResult]) -> dict[str, Any]:
    """The figures of all folds together and of each, as they are kept and printed."""
    return {
        "folds": {
            r.fold.name: {
                "train_through": str(r.fold.train_through),
                "validate_through": str(r.fold.validate_through),
                "cutoffs": [str(r.fold.first), str(r.fold.last)],
                "epochs": list(r.chosen.epochs),
                "tasks": _summarise_tasks([r.scored]),
                "rank_mae": _summarise_ranks([r.ranks]),
            }
            for r in results
        },
        "tasks": _summarise_tasks([r.scored for r in results], with_reliability=True),
        "rank_mae": _summarise_ranks([r.ranks for r in results]),
    }


def _summarise_tasks(parts: Sequence[Scored], *, with_reliability: bool = False) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for label, of_first in parts[0].items():
        values = {name: np.concatenate([part[label][name] for part in parts]) for name in of_first}
        outcomes = values.pop("")
        if not len(outcomes):
            continue
        figures[label] = {
            "cells": len(outcomes),
            "share": float(outcomes.mean()),
            "methods": {name: score(outcomes, said) for name, said in values.items()},
        }
        if with_reliability:
            figures[label]["reliability"] = {
                name: reliability(outcomes, values[name]) for name in (HEAD, LOGISTIC) if name in values
            }
    return figures


def _summarise_ranks(parts: Sequence[dict[int, dict[str, Floats]]]) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, float]] = {}
    for step, of_first in parts[0].items():
        values = {name: np.concatenate([part[step][name] for part in parts]) for name in of_first}
        ranks = values.pop("")
        figures[str(step)] = {name: float(np.abs(said - ranks).mean()) for name, said in values.items()}
    return figures
