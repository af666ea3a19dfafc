"""A program that is killed at a chosen point of its work, as by ``kill -9`` or for want of memory.

    python -m tests.faults.dying <point> <module> <arguments>

A point is ``<n>:<words>`` (before the n-th statement that begins with these words), ``commit`` (before the
first commit of a transaction that has written a batch) or ``committed`` (right after it).
"""

import os
import runpy
import signal
import sys
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

WRITES = "INSERT INTO ingest_batches"  # every upload sends it, and nothing else does


class Fate:
    """Watches the statements go by, and kills this very process at the point."""

    def __init__(self, point: str) -> None:
        count, _, self.words = point.partition(":")
        self.left = int(count) if self.words else 0
        self.point = point
        self.has_written = False
        self.has_committed = False

    def see_statement(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        """Before each statement."""
        self.has_written |= statement.startswith(WRITES)
        if self.words and statement.lstrip().startswith(self.words):  # DDL begins with a new line
            self.left -= 1
            if not self.left:
                die()

    def see_commit(self, _connection: Any) -> None:
        """Before each commit."""
        if self.has_written and self.point == "commit":
            die()
        self.has_committed = self.has_written

    def see_return(self, *_: Any) -> None:
        """When a connection goes back to the pool, its transaction ended."""
        if self.has_committed and self.point == "committed":
            die()


def die() -> None:
    """End at once: no handler runs, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    fate = Fate(sys.argv[1])
    event.listen(Engine, "before_cursor_execute", fate.see_statement)
    event.listen(Engine, "commit", fate.see_commit)
    event.listen(Pool, "checkin", fate.see_return)
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
