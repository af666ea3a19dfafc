"""``make audit``: whether packages that ship have known vulnerabilities: pip-audit, with PyPI's advisories.

Where those cannot be reached it says so and passes, since a build is not to fail because a service is away.
pip-audit alone would not tell the two apart: a package that it found nothing about counts as clean.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from app.config import ROOT

SHIPS = ROOT / "requirements-training.txt"  # a superset of the others that ship
PIP_AUDIT = ROOT / "var" / "audit" / "bin" / "pip-audit"
Report = dict[str, Any]  # of pip-audit --format json


class Verdict(NamedTuple):
    """Lines to print, and whether a vulnerability is among them."""

    lines: list[str]
    is_vulnerable: bool = False


def read_pins(requirements: Path) -> list[str]:
    """The lines ``name==version``, without hashes and markers."""
    return re.findall(r"^[\w.\[\]-]+==[^\s;]+", requirements.read_text(encoding="utf-8"), re.MULTILINE)


def judge(report: Report) -> Verdict:
    """What a report comes to."""
    packages = report["dependencies"]
    found = [
        f"{package['name']} {package['version']}: {vulnerability['id']}"
        f" (mended in {', '.join(vulnerability['fix_versions']) or 'no version yet'})"
        for package in packages
        for vulnerability in package.get("vulns", [])
    ]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    lines = [f"{len(packages) - len(skipped)} packages looked up, {len(found)} known vulnerabilities", *found]
    return Verdict(lines + ([f"not looked up: {', '.join(skipped)}"] if skipped else []), bool(found))


def why_unreachable(report: Report | str) -> str | None:
    """Why a report on one package says nothing of it; None where it does."""
    if isinstance(report, str):
        return report
    return next((package.get("skip_reason") for package in report["dependencies"]), "it named no package")


def ask(pins: Sequence[str]) -> Report | str:
    """pip-audit's report on ``pins``, or its last words where it made none."""
    if not PIP_AUDIT.exists():
        return f"pip-audit could not be installed into {PIP_AUDIT.parent.parent}"
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as stream:
        stream.write("\n".join(pins))
        stream.flush()
        options = [
            "--disable-pip",
            "--no-deps",
            "--format",
            "json",
            "--progress-spinner",
            "off",
            "--timeout",
            "15",
        ]
        ran = subprocess.run(
            [str(PIP_AUDIT), *options, "--requirement", stream.name],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
    try:
        report: Report = json.loads(ran.stdout)
    except ValueError:
        return (ran.stderr.strip().splitlines() or ["it said nothing"])[-1]
    return report


def main() -> int:
    """Audit what ships; the exit code is 1 where a vulnerability is known."""
    pins = read_pins(SHIPS)
    if reason := why_unreachable(
        ask(pins[:1])
    ):  # one question first: without a service the others are in vain
        print(f"audit: NOT DONE, since PyPI's advisories cannot be reached from here ({reason})")
        return 0
    report = ask(pins)
    verdict = Verdict([f"NOT DONE: {report}"]) if isinstance(report, str) else judge(report)
    print("\n".join(f"audit: {line}" for line in verdict.lines))
    return int(verdict.is_vulnerable)


if __name__ == "__main__":
    sys.exit(main())
