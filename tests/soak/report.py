"""What a soak found, as Markdown and as JSON."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.report import describe_machine
from tests.soak.mix import Kind
from tests.soak.run import Look, Soak

WARM_SHARE = 0.25  # of the time, after which memory is to be flat
JUDGED_SECONDS = 300  # a slope of less says nothing of an hour
MOST_GROWTH = 60.0  # megabytes an hour, of all workers: what the noise of ten minutes comes to


@dataclass(frozen=True)
class Figures:
    """The figures of a soak.

    Attributes:
        slope: Of the workers' memory once warm, in megabytes an hour; None: there is nothing to see it by.
        judged: Whether it was looked at for long enough.
    """

    soak: Soak
    title: str
    slope: float | None
    judged: bool

    @property
    def problems(self) -> list[str]:
        """What is not as it should be."""
        grown = self.judged and self.slope is not None and self.slope > MOST_GROWTH
        growth = [f"memory grows by {self.slope:.0f} MB an hour, over {MOST_GROWTH:.0f}"] if grown else []
        return [*self.soak.problems, *growth]


def measure(soak: Soak, title: str) -> Figures:
    """The figures of what was seen."""
    warm = [look for look in soak.looks if look.seconds >= WARM_SHARE * soak.seconds]
    stretch = warm[-1].seconds - warm[0].seconds if warm else 0
    return Figures(soak, title, _slope(warm), stretch >= JUDGED_SECONDS)


def _slope(looks: list[Look]) -> float | None:
    if len(looks) < 3 or not looks[0].megabytes:
        return None
    seconds, megabytes, _ = zip(*looks, strict=True)
    return 3600 * float(np.polyfit(seconds, megabytes, 1)[0])


def write_report(folder: Path, figures: Figures) -> str:
    """Write ``soak.json`` and ``soak.md`` into ``folder``; return the latter."""
    folder.mkdir(exist_ok=True)
    (folder / "soak.json").write_text(json.dumps(_as_json(figures), indent=2) + "\n")
    text = _as_markdown(figures)
    (folder / "soak.md").write_text(text)
    return text


def _as_json(figures: Figures) -> dict[str, Any]:
    soak = figures.soak
    return {
        "title": figures.title,
        "machine": describe_machine(),
        "seconds": round(soak.seconds, 1),
        "problems": figures.problems,
        "kinds": {kind: _times(kind, soak) for kind in soak.latencies if soak.latencies[kind]},
        "memory": {
            "slope_mb_per_hour": figures.slope,
            "most_mb_per_hour": MOST_GROWTH,
            "judged": figures.judged,
            "looks": [look._asdict() for look in soak.looks],
        },
    }


def _times(kind: Kind, soak: Soak) -> dict[str, float]:
    latencies = soak.latencies[kind]
    p50, p99 = (1000 * float(value) for value in np.percentile(latencies, (50, 99)))
    return {"requests": len(latencies), "p50_ms": p50, "p99_ms": p99, "max_ms": 1000 * max(latencies)}


def _as_markdown(figures: Figures) -> str:
    soak = figures.soak
    lines = [
        f"# {figures.title}",
        "",
        "| kind | requests | p50 | p99 | longest |",
        "| --- | --- | --- | --- | --- |",
    ]
    for kind in soak.latencies:
        if soak.latencies[kind]:
            times = _times(kind, soak)
            shown = " | ".join(f"{times[name]:.1f} ms" for name in ("p50_ms", "p99_ms", "max_ms"))
            lines.append(f"| {kind} | {times['requests']} | {shown} |")
    count = sum(map(len, soak.latencies.values()))
    lines += [
        "",
        f"{count} requests in {soak.seconds:.0f} s, looks at the workers included.",
        _memory(figures),
    ]
    lines += ["", *(f"**Wrong:** {problem}" for problem in figures.problems or ["nothing"])]
    return "\n".join([*lines, "", f"{describe_machine()}."]) + "\n"


def _memory(figures: Figures) -> str:
    looks = figures.soak.looks
    if figures.slope is None:
        return "The workers' memory could not be followed."
    first, last = looks[0], looks[-1]
    held = f"at most {MOST_GROWTH:.0f} is wanted" if figures.judged else "too short to be judged"
    return (
        f"Memory of all workers: {first.megabytes:.0f} MB after the first round, {last.megabytes:.0f} at the "
        f"end; once warm {figures.slope:+.0f} MB an hour ({held}). "
        f"Open files: {first.open_files:.0f}, and {last.open_files:.0f} at the end."
    )
