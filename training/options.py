"""Options that several commands take, and the reading of the charts that they name."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from training.data import DataError, read_panels, read_store
from training.panel import Panel

DataOption = Annotated[list[Path] | None, typer.Option("--data", help="Chart files and folders.")]
TracksOption = Annotated[list[Path] | None, typer.Option("--tracks", help="Metadata files.")]
StoreOption = Annotated[str | None, typer.Option("--database-url", help="Read the store instead of files.")]
RegionOption = Annotated[str | None, typer.Option(help="The region of files that don't say.")]
ISO = ["%Y-%m-%d"]


def read_charts(
    data: list[Path] | None, tracks: list[Path] | None, database_url: str | None, region: str | None
) -> list[Panel]:
    """The panels of the files or of the store that a command names.

    Raises:
        typer.BadParameter: it names neither or both, or they hold no chart.
    """
    if (data is None) == (database_url is None):
        raise typer.BadParameter("name either --data or --database-url")
    try:
        if database_url is not None:
            return read_store(database_url)
        return read_panels(data or [], tracks or [], region=region)
    except DataError as error:
        raise typer.BadParameter(str(error)) from None


def to_day(moment: dt.datetime) -> np.datetime64:
    """The day of an option."""
    return np.datetime64(moment.date(), "D")
