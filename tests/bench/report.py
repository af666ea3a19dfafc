"""The table: a row a goal, as Markdown and as JSON."""

import json
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.goals import GOALS, Goal

SHOWN_VERSIONS = ("fastapi", "starlette", "pydantic", "uvicorn", "sqlalchemy", "onnxruntime", "numpy")
HEADER = "| goal | what | figure | wanted | holds | min | median | max | rounds | measured |"


@dataclass(frozen=True)
class Row:
    """A goal and what it came to.

    Attributes:
        key: Of the goal.
        rounds: The figure of each round.
        note: What was measured, with the absolute figures.
    """

    key: str
    rounds: Sequence[float]
    note: str

    @property
    def goal(self) -> Goal:
        """What was wanted."""
        return GOALS[self.key]

    @property
    def figure(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds)

    def as_json(self) -> dict[str, Any]:
        """Everything there is to the row."""
        goal = self.goal
        return {
            "key": self.key,
            "goal": goal.number,
            "name": goal.name,
            "unit": goal.unit,
            "bound": goal.bound,
            "wanted": goal.wanted,
            "figure": self.figure,
            "holds": goal.holds(self.figure),
            "min": min(self.rounds),
            "median": self.figure,
            "max": max(self.rounds),
            "rounds": list(self.rounds),
            "note": self.note,
        }

    def as_markdown(self) -> str:
        """One line of the table."""
        goal, unit = self.goal, f" {self.goal.unit}".rstrip()
        wanted = "" if goal.wanted is None else f"{goal.bound} {_show(goal.wanted)}{unit}"
        holds = {True: "yes", False: "**no**", None: ""}[goal.holds(self.figure)]
        figures = [_show(value) for value in (min(self.rounds), self.figure, max(self.rounds))]
        cells = [goal.number, goal.name, f"{_show(self.figure)}{unit}", wanted, holds, *figures]
        return "| " + " | ".join(map(str, [*cells, len(self.rounds), self.note])) + " |"


def _show(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def write_report(folder: Path, rows: Iterable[Row], left_out: dict[str, str], seconds: float) -> str:
    """Write ``bench.json`` and ``bench.md`` into ``folder``; return the latter."""
    ordered = sorted(rows, key=lambda row: list(GOALS).index(row.key))
    described = {"machine": describe_machine(), "versions": _versions(), "seconds": round(seconds)}
    folder.mkdir(exist_ok=True)
    found = described | {"rows": [row.as_json() for row in ordered], "left_out": left_out}
    (folder / "bench.json").write_text(json.dumps(found, indent=2) + "\n")
    lines = [HEADER, "|" + " --- |" * HEADER.count(" | ") + " --- |", *(row.as_markdown() for row in ordered)]
    lines += ["", *(f"Left out: {name}: {why}" for name, why in left_out.items())]
    lines += ["", f"{described['machine']}; {_say(_versions())}; {described['seconds']} s in all."]
    text = "\n".join(lines) + "\n"
    (folder / "bench.md").write_text(text)
    return text


def describe_machine() -> str:
    """What a report was made on."""
    load = f", load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}{load}"


def _versions() -> dict[str, str]:
    return {name: version(name) for name in SHOWN_VERSIONS}


def _say(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in versions.items())
