"""The store as commands open it: its schema brought up to date, its failures told in words."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from app.config import Settings
from app.database import Database, build_engine
from app.database_errors import DATABASE_ERRORS, describe_cause, explain_failure
from app.schema import migrate


@contextmanager
def open_store(settings: Settings, *, cache: int | None = None) -> Iterator[Database]:
    """The store of ``settings``; ``cache`` as ``build_engine`` has it.

    Raises:
        typer.Exit: it is away, busy, full or read-only, and that was told.
    """
    database = Database(build_engine(settings.database_url, cache=cache))
    try:
        migrate(database)
        yield database
    except DATABASE_ERRORS as error:
        if (said := explain_failure(error)) is None:
            raise
        typer.secho(said, fg="red", nl=False)
        typer.echo(f" {describe_cause(error)}")
        raise typer.Exit(1) from None
    finally:
        database.dispose()
