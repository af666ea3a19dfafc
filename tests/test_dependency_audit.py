"""What the audit makes of pip-audit's reports."""

from typing import Any

import pytest

from tests.dependency_audit import SHIPS, judge, read_pins, why_unreachable

CLEAN = {"name": "fastapi", "version": "0.165.0", "vulns": []}
SKIPPED = {"name": "fastapi", "skip_reason": "Dependency not found on PyPI and could not be audited"}
VULNERABLE = {
    "name": "h11",
    "version": "0.14.0",
    "vulns": [{"id": "PYSEC-2025-1", "fix_versions": ["0.16.0"], "aliases": [], "description": "…"}],
}


def _report(*packages: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": list(packages), "fixes": []}


def test_a_known_vulnerability_is_named_with_the_version_that_mends_it() -> None:
    verdict = judge(_report(CLEAN, VULNERABLE))
    assert verdict.is_vulnerable
    assert "h11 0.14.0: PYSEC-2025-1 (mended in 0.16.0)" in verdict.lines


def test_packages_that_were_not_looked_up_do_not_count_as_clean() -> None:
    verdict = judge(_report(CLEAN, SKIPPED))
    assert not verdict.is_vulnerable
    assert verdict.lines == ["1 packages looked up, 0 known vulnerabilities", "not looked up: fastapi"]


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (_report(SKIPPED), "Dependency not found on PyPI and could not be audited"),
        ("Connection refused", "Connection refused"),
        (_report(), "it named no package"),
        (_report(CLEAN), None),
        (_report(VULNERABLE), None),
    ],
)
def test_an_answer_about_nothing_is_told_from_a_clean_one(
    report: dict[str, Any] | str, reason: str | None
) -> None:
    assert why_unreachable(report) == reason


def test_every_package_that_ships_is_asked_about_by_name_and_version() -> None:
    pins = read_pins(SHIPS)
    assert any(pin.startswith("fastapi==") for pin in pins)
    assert any(pin.startswith("tensorflow-cpu==") for pin in pins)
    assert not [pin for pin in pins if ";" in pin or "hash" in pin]
