"""The settings as commands read them: one that makes no sense is told in a line."""

import typer
from pydantic import ValidationError

from app.config import Settings

PREFIX = str(Settings.model_config.get("env_prefix"))


def read_settings() -> Settings:
    """The settings of the environment and ``.env``.

    Raises:
        typer.Exit: one makes no sense, and that was told, with what it is to be.
    """
    try:
        return Settings()
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            typer.secho(
                _describe(str(fault["loc"][0]) if fault["loc"] else "", fault["msg"]), fg="red", err=True
            )
    except OSError as error:
        typer.secho(f"{PREFIX}DATABASE_PASSWORD_FILE cannot be read: {error.strerror}.", fg="red", err=True)
    raise typer.Exit(2)


def _describe(name: str, problem: str) -> str:
    """A line on a setting, by its field's name or the variable's own."""
    field = Settings.model_fields.get(name)
    variable = f"{PREFIX}{name.upper()}" if field is not None else name
    meant = "" if field is None or field.description is None else f" It is: {field.description}"
    return f"{variable}: {problem.removeprefix('Value error, ')}.{meant}"
