"""The figures of presence as Markdown."""

from collections.abc import Mapping
from typing import Any

from training.report import to_table
from training.systems.presence.tasks import CONTESTED, RETURN_ON, STAYING, TOP50, Task

TITLES = {
    "staying_1": "In the top 200 tomorrow, of those in it",
    "staying_7": "The same, 7 days ahead",
    "top50_1": "In the top 50 tomorrow, of those in the top 200",
    "return_7": "Back within 7 days, of those off the chart for up to 28",
    "far200_60": "In the top 200 in 60 days, of those in it",
    "far50_60": "In the top 50 in 60 days, of those in it",
}


def to_markdown(figures: Mapping[str, Any]) -> str:
    """All tables."""
    tasks = figures["tasks"]
    periods = ", ".join(" to ".join(fold["cutoffs"]) for fold in figures["folds"].values())
    parts = [f"Cutoffs {periods}"]
    for task in CONTESTED:
        if task.label in tasks:
            parts += [_title(task, tasks[task.label]), _methods(tasks[task.label]["methods"])]
    parts += ["Brier by days ahead", _by_horizon(tasks, "brier")]
    parts += ["AUC by days ahead", _by_horizon(tasks, "auc")]
    parts += ["Mean error of the rank, of those that chart", _ranks(figures["rank_mae"])]
    parts += ["Brier by fold: in the top 200 tomorrow", _by_fold(figures["folds"], STAYING[0])]
    parts += ["What was said and what came: in the top 200 tomorrow", _reliability(tasks[STAYING[0].label])]
    return "\n\n".join(parts)


def _title(task: Task, figures: Mapping[str, Any]) -> str:
    return f"{TITLES[task.label]} ({figures['cells']} cells, {100 * figures['share']:.1f}% were)"


def _methods(methods: Mapping[str, Mapping[str, float]]) -> str:
    rows = [["method", "Brier", "AUC", "log loss", "ECE"]]
    rows += [
        [name, f"{f['brier']:.4f}", f"{f['auc']:.3f}", f"{f['log_loss']:.4f}", f"{f['ece']:.4f}"]
        for name, f in methods.items()
    ]
    return to_table(rows)


def _by_horizon(tasks: Mapping[str, Any], figure: str) -> str:
    steps = [str(task.ahead) for task in STAYING]
    rows = [["of", "method", *steps]]
    for of_days in (STAYING, TOP50, RETURN_ON):
        found = [tasks[task.label]["methods"] for task in of_days if task.label in tasks]
        shown = (name for name in found[0] if all(name in methods for methods in found))
        rows += [[of_days[0].name, name, *(f"{m[name][figure]:.4f}" for m in found)] for name in shown]
    return to_table(rows)


def _ranks(errors: Mapping[str, Mapping[str, float]]) -> str:
    rows = [["method", *errors]]
    for name in next(iter(errors.values())):
        rows.append([name, *(f"{of_step[name]:.2f}" for of_step in errors.values())])
    return to_table(rows)


def _by_fold(folds: Mapping[str, Any], task: Task) -> str:
    found = {name: fold["tasks"][task.label]["methods"] for name, fold in folds.items()}
    rows = [["method", *(f"fold {name}" for name in found)]]
    for method in next(iter(found.values())):
        rows.append([method, *(f"{methods[method]['brier']:.4f}" for methods in found.values())])
    return to_table(rows)


def _reliability(figures: Mapping[str, Any]) -> str:
    rows = [["method", "from", "cells", "said", "came"]]
    for name, bins in figures["reliability"].items():
        rows += [
            [name, f"{b['from']:.1f}", str(b["cells"]), f"{b['said']:.3f}", f"{b['came']:.3f}"] for b in bins
        ]
    return to_table(rows)
