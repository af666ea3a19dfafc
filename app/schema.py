"""Bringing a store's schema up to date."""

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import Connection, String, column, inspect, select, table

from app.config import ROOT
from app.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

VERSION_TABLE = "alembic_version"  # Alembic's own name for where it keeps a store's revision


def build_alembic_config(connection: Connection | None = None) -> "Config":
    """Alembic's configuration, bound to ``connection`` where one is given."""
    from alembic.config import Config  # as slow to import as SQLAlchemy itself, and few starts need it

    config = Config(str(ROOT / "alembic.ini"))
    config.attributes["connection"] = connection
    return config


def migrate(database: Database) -> None:
    """Bring the schema to the newest revision, in one transaction, where it is not there yet."""
    with database.read() as connection:
        if is_current(connection):
            return
    from alembic import command

    with database.write() as connection:  # of two that start at once, the second finds nothing left to do
        command.upgrade(build_alembic_config(connection), "head")


def is_current(connection: Connection) -> bool:
    """Whether the schema is at the newest revision."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return False
    revision = column("version_num", String)
    revisions = connection.execute(select(revision).select_from(table(VERSION_TABLE))).scalars().all()
    return revisions == [newest_revision()]


@cache
def newest_revision() -> str:
    """The revision that the newest file of ``migrations/versions`` is named after: ``0003_….py`` is 0003."""
    return max(path.name.partition("_")[0] for path in (ROOT / "migrations" / "versions").glob("*_*.py"))
