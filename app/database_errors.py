"""What a driver says of a store that fails, told as what an operator or a client can do about it.

Nothing told here holds a statement, its values, an address or a password: those stay in the driver's words.
"""

import sqlite3
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# SQLite's BEGIN goes past SQLAlchemy. What goes past it to psycopg is raised as SQLAlchemy's all the same: a
# process that serves a SQLite store does not import that driver.
DATABASE_ERRORS = (SQLAlchemyError, sqlite3.Error)

AWAY = "The database cannot be used for now: it is away, starting or damaged (/readyz says)."
BUSY = "The database is busy: a lock or a connection was not free in time."
FULL = "The database cannot store anything: its disk is full or fails. Free some room; reads go on."
READ_ONLY = "The database cannot be written to: it, or its disk, is read-only. Reads go on."
SCHEMA = "The database's schema is not that of this release (/readyz says): run alembic upgrade head."
RACE = "Another request stored what this one was about to."

_SQLITE = {
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_IOERR: FULL,
    sqlite3.SQLITE_CANTOPEN: AWAY,
    sqlite3.SQLITE_CORRUPT: AWAY,
    sqlite3.SQLITE_NOTADB: AWAY,
    sqlite3.SQLITE_PROTOCOL: BUSY,
}
_SQLITE_RACES = {
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
}
_SQLITE_LACKS = ("no such table", "no such column", "has no column named")  # it has no code for these
# By SQLSTATE, or the class that it begins with.
_POSTGRES = {
    "08": AWAY,  # the connection
    "23503": RACE,
    "23505": RACE,
    "25006": READ_ONLY,
    "40": BUSY,  # a deadlock, or a snapshot that could not be kept
    "42703": SCHEMA,
    "42P01": SCHEMA,
    "53": BUSY,  # connections, memory
    "53100": FULL,
    "55P03": BUSY,
    "57": AWAY,  # the server stops or starts
    "57014": BUSY,  # a statement took too long
    "58": FULL,
}


def explain_failure(error: BaseException) -> str | None:
    """What is wrong with the store, and the mend; None where it is not the store's fault but ours.

    Args:
        error: One of ``DATABASE_ERRORS``.
    """
    if isinstance(error, PoolTimeoutError):
        return BUSY
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return _explain_sqlite(cause)
    if hasattr(cause, "sqlstate"):
        return _explain_postgres(cause)
    return None


def describe_cause(error: BaseException) -> str:
    """The driver's words alone, for the log: without the statement and its values."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return f"{type(cause).__name__}: {cause}"


def _explain_sqlite(cause: sqlite3.Error) -> str | None:
    code = getattr(cause, "sqlite_errorcode", None)
    if code is None:
        return None
    if code in _SQLITE_RACES:
        return RACE
    if code == sqlite3.SQLITE_ERROR and any(words in str(cause) for words in _SQLITE_LACKS):
        return SCHEMA
    return _SQLITE.get(code & 0xFF)  # the rest of it only says how


def _explain_postgres(cause: Any) -> str | None:
    if cause.sqlstate is None:  # it came to no answer of the server
        kinds = {kind.__name__ for kind in type(cause).__mro__}
        return None if kinds.isdisjoint({"OperationalError", "InterfaceError"}) else AWAY
    return _POSTGRES.get(cause.sqlstate) or _POSTGRES.get(cause.sqlstate[:2])
