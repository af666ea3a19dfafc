"""Bringing a store's schema up to date."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from app.config import ROOT, Settings
from app.database import Database, build_engine


def build_alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, bound to ``connection`` where one is given."""
    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["connection"] = connection
    return config


def migrate(database: Database) -> None:
    """Bring the schema to the newest revision, in one transaction."""
    with database.write() as connection:
        command.upgrade(build_alembic_config(connection), "head")


def is_current(connection: Connection) -> bool:
    """Whether the schema is at the newest revision."""
    head = ScriptDirectory.from_config(build_alembic_config()).get_current_head()
    return MigrationContext.configure(connection).get_current_revision() == head


@contextmanager
def open_store(settings: Settings, *, cache: int | None = None) -> Iterator[Database]:
    """The store of ``settings``, its schema brought up to date; ``cache`` as ``build_engine`` has it."""
    database = Database(build_engine(settings.database_url, cache=cache))
    try:
        migrate(database)
        yield database
    finally:
        database.dispose()
