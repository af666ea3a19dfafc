"""Requests made from the OpenAPI document, against a real server: every answer is one that it declares."""

import json
from pathlib import Path

from tests.fuzz.running import fill_store, fuzz, serve_store

EXAMPLES = "4"  # made up for an operation, beside those of the document and the edges of its schemas


def test_every_answer_is_declared_and_none_is_an_error_of_ours(database_url: str, tmp_path: Path) -> None:
    """For a longer search, and with requests that build on one another: ``make fuzz``."""
    key = fill_store(database_url)
    report = tmp_path / "report.json"
    sizes = ("--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, "--seed", "1")
    with serve_store(database_url, tmp_path) as address:
        found = fuzz(address, key, tmp_path, *sizes, "--report-json-path", str(report))
    assert found.returncode == 0, found.stdout + found.stderr
    told = json.loads(report.read_text())
    assert told["operations"]["tested"] == told["operations"]["total"] > 12
    # Where every request is refused, an answer of 200 is held against nothing.
    assert all(_count_accepted(phases) for phases in told["valid_rates"].values()), told["valid_rates"]


def _count_accepted(phases: dict[str, dict[str, int]]) -> int:
    return sum(phase["accepted"] for phase in phases.values())
