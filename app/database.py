"""The engine, and the two ways in: ``read()`` and ``write()``."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase

from app.database_errors import DATABASE_ERRORS, describe_cause

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


WAIT = 30_000  # milliseconds for another writer on SQLite to finish
READ_WAIT = 10_000  # milliseconds for a statement of a kept reader: it answers one thread, and must not hang
POOL_WAIT = 10  # seconds for a connection to PostgreSQL to come free
# What libpq waits for a server that has fallen silent (a refusal comes at once); the URL may say else.
POSTGRES_WAITS = {
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
BULK_CACHE = 64_000  # KB that a bulk load may keep of a SQLite store: the regions' charts, and their tracks


class Base(DeclarativeBase):
    """The declarative base; every constraint gets a name, so that migrations can address it."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


def build_engine(url: str, *, cache: int | None = None) -> Engine:
    """An engine for ``url``; for SQLite with WAL, foreign keys and explicit transactions.

    Args:
        url: The store's address.
        cache: KB of a SQLite store that each connection may keep in memory; None for SQLite's own 2,000.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        waits = {name: wait for name, wait in POSTGRES_WAITS.items() if name not in parsed.query}
        return create_engine(parsed, pool_pre_ping=True, pool_timeout=POOL_WAIT, connect_args=waits)
    pool: dict[str, int] = {}
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        # As many as there are threads: the event loop, which answers predictions, must wait for none of them.
        pool = {"max_overflow": -1}
    engine = create_engine(parsed, **pool)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    if cache is not None:
        event.listen(engine, "connect", lambda driver, _: driver.execute(f"PRAGMA cache_size=-{cache}"))
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own implicit BEGIN is deferred and skips DDL; _begin_sqlite emits ours instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    # FULL: with NORMAL a power cut could take back what was answered with 201.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={WAIT}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    # SQLite's own lower() knows ASCII alone, and a search for a name should find it in any case.
    connection.create_function("lower", 1, _lower, deterministic=True)
    connection.create_function("split_part", 3, _split_part, deterministic=True)  # as PostgreSQL's


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _split_part(text: str | None, separator: str, part: int) -> str | None:
    parts = None if text is None else text.split(separator)
    return None if parts is None else parts[part - 1] if part <= len(parts) else ""


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that turns into a write fails at once when another writer is ahead of it.
    if connection.get_execution_options().get("write", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:  # it never waits nor fails, and through the engine it would cost as much as a read
        driver: Any = connection.connection.driver_connection
        driver.execute("BEGIN")


class Database:
    """One store. Both ways in give a connection inside a transaction that ends with the block."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(write=True)
        # SQLite's readers see one state as they are; Postgres' default would see each commit in between.
        snapshot = {} if engine.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
        self._reader = engine.execution_options(**snapshot)

    @property
    def address(self) -> str:
        """Where the store is, fit to be shown: without password, nor the options that may hold one."""
        return self.engine.url.set(query={}).render_as_string(hide_password=True)

    @property
    def is_embedded(self) -> bool:
        """Whether it is a file that this process reads itself, so that no network can keep a read waiting."""
        return self.engine.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the store; nothing it does is kept."""
        with self._reader.connect() as connection:
            connection.begin()  # at once: not every read goes through SQLAlchemy's execution
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection whose work is committed when the block ends, or undone if it raises."""
        with self._writer.begin() as connection:
            yield connection

    def write_if_free(self, work: Callable[[Connection], None]) -> bool:
        """Do ``work`` in a write transaction, if the store can be written to and no other writer is at it.

        Returns:
            Whether it was done; where not, nothing of it was.
        """
        try:
            with self._writer.connect() as connection, _impatience(connection), connection.begin():
                work(connection)
        except DATABASE_ERRORS as error:
            logger.warning("left unwritten: %s", describe_cause(error))
            return False
        return True

    def reader(self) -> "Reader":
        """What reads by single statements, on a connection that it keeps."""
        return Reader(self.engine)

    def dispose(self) -> None:
        """Close the pooled connections."""
        self.engine.dispose()


class Reader:
    """Reads of one statement each, one after the other, of one thread at a time.

    A statement sees one state of the store by itself. So no transaction is begun nor ended, which on
    PostgreSQL are two of three ways there and back; nor is a connection taken from the pool and given back.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: Connection | None = None

    def read(self, work: Callable[[Connection], Answer]) -> Answer:
        """What ``work`` makes of the store, each statement of which may see another state of it."""
        try:
            return work(self._open())
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            self.close()
            return work(self._open())  # the connection had died since the last time: a new one may do

    def close(self) -> None:
        """Let the connection go."""
        kept, self._kept = self._kept, None
        if kept is not None:
            with suppress(*DATABASE_ERRORS):
                if kept.dialect.name == "postgresql" and not kept.invalidated:
                    kept.invalidate()  # not back to the pool: its time limit is no other's
                kept.close()

    def _open(self) -> Connection:
        if self._kept is not None and self._kept.invalidated:  # the second attempt failed, too
            self.close()
        if self._kept is None:
            self._kept = self._engine.connect()
            try:
                self._prepare(self._kept)
            except DATABASE_ERRORS:
                self.close()
                raise
        return self._kept

    def _prepare(self, connection: Connection) -> None:
        """Have SQLAlchemy think that a transaction was begun, so that it begins none."""
        connection.begin()
        driver: Any = connection.connection.driver_connection
        driver.rollback()
        if connection.dialect.name == "postgresql":
            driver.autocommit = True
            driver.execute(f"SET statement_timeout = {READ_WAIT}")


@contextmanager
def _impatience(connection: Connection) -> Iterator[None]:
    """Meanwhile, do not wait for another writer on SQLite (on Postgres statements say so: NOWAIT)."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.cursor()  # not through the engine, which would begin a transaction
    driver.execute("PRAGMA busy_timeout=0")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA busy_timeout={WAIT}")
        driver.close()
