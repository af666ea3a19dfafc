"""``make bench``: every goal of the speed issue, measured on loopback, as one table.

Floors and ours are taken in turn in the same run: figures of single runs are noise on a shared machine,
the ratio of the two holds. Servers run on one core, the load generator on the other.
"""

import argparse
import signal
import sys
import tempfile
import time
import traceback
from dataclasses import replace
from pathlib import Path

from tests.bench import batch, bulk, fitting, growth, ingest, peers, runtime, serving, starting
from tests.bench.processes import CLIENT_CORE, ROOT, on_cores
from tests.bench.report import Row, write_report
from tests.bench.setting import Section, Setting

MOST_SECONDS = 12.5 * 60  # no section and no round begins later
SECTIONS: dict[str, Section] = {
    "serving": serving.measure,
    "batch": batch.measure,
    "ingest": ingest.measure,
    "starting": starting.measure,
    "runtime": runtime.measure,
    "peers": peers.measure,
    "fitting": fitting.measure,
    "growth": growth.measure,
    "bulk": bulk.measure,  # the longest: last, so that it is what the deadline cuts
}


def main() -> None:
    """Measure, print the table, write ``var/bench.md`` and ``var/bench.json``."""
    asked = _parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every server is stopped on the way out
    begin = time.monotonic()
    rows: list[Row] = []
    left_out: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="chartcast-bench-") as folder, on_cores(CLIENT_CORE):
        for name in asked.only or SECTIONS:
            if time.monotonic() - begin > MOST_SECONDS:
                left_out[name] = "the time was up"
                continue
            setting = _build_setting(Path(folder) / name, begin + MOST_SECONDS, trial=asked.trial)
            left_out |= _run_section(name, setting, rows)
    print(write_report(ROOT / "var", rows, left_out, time.monotonic() - begin))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="section", help=f"some of {', '.join(SECTIONS)}")
    parser.add_argument("--trial", action="store_true", help="two small rounds: tries the harness alone")
    asked = parser.parse_args()
    if unknown := set(asked.only) - set(SECTIONS):
        parser.error(f"{', '.join(unknown)}: there is only {', '.join(SECTIONS)}")
    return asked


def _build_setting(folder: Path, deadline: float, *, trial: bool) -> Setting:
    folder.mkdir()
    setting = Setting(folder, deadline=deadline)
    return replace(setting, rounds=2, share=0.05) if trial else setting


def _run_section(name: str, setting: Setting, rows: list[Row]) -> dict[str, str]:
    """Add the section's rows; where it breaks off, keep those it had and return why."""
    begin = time.monotonic()
    try:
        for row in SECTIONS[name](setting):
            rows.append(row)
            print(row.as_markdown(), file=sys.stderr, flush=True)
    except Exception as error:  # the other sections still count
        traceback.print_exc()
        return {name: f"broke off: {error!r}"}
    finally:
        print(f"{name}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    return {}


if __name__ == "__main__":
    main()
