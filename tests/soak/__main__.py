"""``make soak``: two workers on loopback under a mixed load, ten minutes by default."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.processes import ROOT
from tests.bench.stores import (
    REGION,
    create_database,
    environment_of,
    fill_with_sample,
    postgres_server,
    sqlite_url,
)
from tests.soak.mix import build_mix
from tests.soak.report import measure, write_report
from tests.soak.run import serving, soak


def main() -> None:
    """Soak, print the report and write it to ``var/soak.*``; exit with 1 if anything was wrong."""
    asked = _parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped on the way out
    with (
        tempfile.TemporaryDirectory(prefix="chartcast-soak-") as name,
        _store(asked.store, Path(name)) as url,
    ):
        fill_with_sample(url)
        with serving(environment_of(url, Path(name)), asked.workers) as server:
            found = soak(
                server,
                build_mix(REGION),
                seconds=asked.seconds,
                connections=asked.connections,
                workers=asked.workers,
            )
    title = f"Soak: {asked.workers} workers, {asked.connections} connections, {asked.store}"
    figures = measure(found, title)
    print(write_report(ROOT / "var", figures))
    sys.exit(bool(figures.problems))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


@contextmanager
def _store(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield sqlite_url(folder, "soak")
        return
    with postgres_server() as server:
        yield create_database(server)


if __name__ == "__main__":
    main()
