"""The soak itself, for a few seconds: it counts, it looks, and it sees what goes wrong."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.bench.stores import environment_of, sqlite_url
from tests.sample import LAST_DAY
from tests.soak.mix import KINDS, ROUND, build_mix
from tests.soak.report import MOST_GROWTH, measure, write_report
from tests.soak.run import Look, Soak, serving, soak

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells memory of processes")
REGION = "ph"  # the weights that ship learned from it, so that none of its past is to be looked up


@pytest.fixture
def environment(sqlite_sample: Path, tmp_path: Path) -> dict[str, str]:
    """Of a server on a sample of its own, with the bundles that ship."""
    shutil.copy(sqlite_sample, tmp_path / "soak.db")
    return environment_of(sqlite_url(tmp_path, "soak"), tmp_path)


def test_a_mixed_load_on_two_workers_goes_without_error(environment: dict[str, str], tmp_path: Path) -> None:
    with serving(environment, 2) as server:
        found = soak(server, build_mix(REGION), seconds=5, connections=16, workers=2)
    assert not found.problems
    assert all(found.latencies[kind] for kind in KINDS)
    assert sum(map(len, found.latencies.values())) == ROUND * len(found.looks)
    assert all(look.megabytes > 50 and look.open_files > 10 for look in found.looks)
    text = write_report(tmp_path / "report", measure(found, "A short soak"))
    assert "**Wrong:** nothing" in text
    written = json.loads((tmp_path / "report" / "soak.json").read_text())
    assert written["kinds"]["predict"]["p50_ms"] <= written["kinds"]["predict"]["p99_ms"]
    assert not written["memory"]["judged"]


def test_what_goes_wrong_ends_it_and_is_told(environment: dict[str, str]) -> None:
    mix = build_mix(REGION)
    unknown = replace(mix, chart=[replace(row, track_id=row.track_id[::-1]) for row in mix.chart])
    with serving(environment, 1) as server:
        [problem] = soak(server, unknown, seconds=60, connections=2, workers=1).problems
        assert "answered 404" in problem
        [problem] = soak(server, mix, seconds=0, connections=2, workers=2).problems
        assert problem == "1 workers are there at the end, not 2"


def _soak(growth: float, seconds: float = 600) -> Soak:
    looks = [Look(t, 300 + growth * t / 3600, 50) for t in range(0, int(seconds), 5)]
    return Soak(seconds, looks=looks)


def test_memory_that_grows_is_wrong_and_a_flat_one_or_a_short_look_is_not() -> None:
    assert not measure(_soak(MOST_GROWTH - 1), "flat").problems
    [problem] = measure(_soak(MOST_GROWTH + 1), "growing").problems
    assert "memory grows by 61 MB an hour" in problem
    assert not measure(_soak(MOST_GROWTH * 100, seconds=60), "short").problems


def test_growth_before_it_is_warm_does_not_count() -> None:
    flat = _soak(0)
    flat.looks = [look._replace(megabytes=look.megabytes - 50 * (look.seconds < 100)) for look in flat.looks]
    assert measure(flat, "warming").slope == pytest.approx(0, abs=1e-6)


def test_a_mix_is_the_same_every_time_and_has_everything_in_it() -> None:
    mix = build_mix(REGION)
    assert mix.round(3) == mix.round(3) != mix.round(4)
    asked = mix.round(3)
    assert len(asked) == ROUND
    assert {kind for kind, _ in asked} == set(KINDS)
    assert len({body for kind, body in asked if kind == "ingest"}) == 2  # a correction, repeated; a new day
    assert mix.chart_of(3) != mix.chart_of(4)
    assert {row.date for row in mix.chart_of(3)} == {LAST_DAY}
