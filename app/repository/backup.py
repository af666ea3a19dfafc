"""A copy of a SQLite store, made while it is read and written."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

WAIT = 30.0  # seconds for a checkpoint or a migration to let go of the store


class BackupError(Exception):
    """Nothing was copied; the message says why."""


def copy_sqlite(store: Path, copy: Path) -> None:
    """Write the present state of ``store`` to ``copy``, one file that appears whole or not at all.

    Writers go on meanwhile; what they commit after this began is not in it. The copy holds what the store
    holds, so its owner alone can read it.

    Raises:
        BackupError: there is something at ``copy`` already, one of the two cannot be read or written, or
            what was copied does not check out.
    """
    partial = copy.with_name(f".{copy.name}.partial")
    try:
        if copy.exists():
            raise FileExistsError(f"{copy} is there already; name a new file")
        partial.touch(mode=0o600, exist_ok=False)
        try:
            _copy(store, partial)
            os.rename(partial, copy)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        raise BackupError(f"{store} was not copied to {copy}: {error}") from error


def _copy(store: Path, copy: Path) -> None:
    # mode=rw: a store that is not there is an error, where SQLite would by itself make an empty one.
    address = f"{store.resolve().as_uri()}?mode=rw"
    with (
        closing(sqlite3.connect(address, uri=True, timeout=WAIT)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")  # the store's own is WAL, which is three files
        found = [line for (line,) in target.execute("PRAGMA quick_check")]
    if found != ["ok"]:
        raise sqlite3.DatabaseError(f"what was read is damaged: {found[0]}")
