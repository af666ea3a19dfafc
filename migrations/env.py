"""Alembic's entry: migrates the store that the settings name, or a connection that a caller hands over."""

from alembic import context
from sqlalchemy import Connection

from app import models  # noqa: F401  (the tables register themselves)
from app.config import Settings
from app.database import Base, Database, build_engine

LOCK = 72_072_019  # of this application's, among whatever else takes such locks on the server


def run(connection: Connection) -> None:
    """Run the migrations asked for on ``connection``; of two processes at once the second waits."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Offline mode is not supported: point CHARTCAST_DATABASE_URL at the store.")

given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    database = Database(build_engine(Settings().database_url))
    with database.write() as opened:
        run(opened)
    database.dispose()
