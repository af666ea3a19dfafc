"""The commands of ``python -m app``."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.config import Settings
from app.database import BULK_CACHE, Database, build_engine
from app.dates import parse_iso_date
from app.errors import ChartcastError
from app.first_start import find_first_charts, is_empty, load_first_metadata, print_greeting, store_of
from app.ingest.folders import find_chart_files, ingest_paths
from app.ingest.schemas import IngestReport, OnError
from app.ingest.service import IngestOptions, IngestService
from app.regions import REGION_HELP, parse_region
from app.schema import migrate

SHOWN = 10  # rejected rows printed for a file

app = typer.Typer(
    help="Chartcast: forecasts of daily chart streams.", no_args_is_help=True, add_completion=False
)
console = Console(soft_wrap=True, highlight=False)
progress_console = Console(stderr=True)


@app.callback()
def main() -> None:
    """Settings come from the environment (CHARTCAST_…) and .env, as for the service."""


@contextmanager
def open_store(settings: Settings, *, cache: int | None = None) -> Iterator[Database]:
    """The store of ``settings``, its schema brought up to date; ``cache`` as ``build_engine`` has it."""
    database = Database(build_engine(settings.database_url, cache=cache))
    try:
        migrate(database)
        yield database
    finally:
        database.dispose()


@app.command()
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Chart files, and folders of *.csv and *.csv.gz.")],
    region: Annotated[str | None, typer.Option(help=f"For files that don't say: {REGION_HELP}.")] = None,
    date: Annotated[str | None, typer.Option(help="For files that don't say: YYYY-MM-DD.")] = None,
    on_error: Annotated[
        str, typer.Option(help="reject: one bad row and its file is not stored; skip: its good rows are.")
    ] = "reject",
    replace: Annotated[bool, typer.Option(help="Take charts far shorter than those stored.")] = False,
    dry_run: Annotated[bool, typer.Option(help="Say what would change; store nothing.")] = False,
) -> None:
    """Take in chart files, as POST /ingest does.

    Each file is one transaction: a bad one leaves nothing, and the others are stored all the same
    (then the exit code is 1).
    """
    options = _build_options(region, date, on_error, replace=replace, dry_run=dry_run)
    settings = Settings()
    # Millions of rows come and go here, none in a cycle: looking for cycles would take a third of the time.
    gc.set_threshold(100_000, 50, 50)
    with open_store(settings, cache=BULK_CACHE) as database:
        if not ingest_files(IngestService(database, settings), _find(paths), options):
            raise typer.Exit(1)


@app.command()
def serve(
    host: str = "127.0.0.1",
    port: int = 8000,
    data: Annotated[
        Path | None, typer.Option(help="Chart file or folder to fill an empty store with; else the sample.")
    ] = None,
    tracks: Annotated[list[Path] | None, typer.Option(help="Metadata files to go with --data.")] = None,
) -> None:
    """Migrate the store, fill it where it is empty, and serve.

    With --data and no CHARTCAST_DATABASE_URL the store is a file named after the data.
    """
    settings = store_of(data, Settings())
    with open_store(settings) as database:
        console.print(f"store        {database.engine.url.render_as_string(hide_password=True)}")
        if is_empty(database):
            _fill(database, settings, data, tracks or [])
        elif data is not None:
            console.print(f"it holds charts already; python -m app ingest {data} adds to them")
        print_greeting(console, database, host, port)
    import uvicorn  # these are slow to import, and only this command needs them

    from app.main import create_app
    from app.server import BoundedProtocol

    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        http=BoundedProtocol,
        access_log=False,
        log_level="warning",
    )


def _fill(database: Database, settings: Settings, data: Path | None, tracks: list[Path]) -> None:
    try:
        service = IngestService(database, settings)
        ingest_files(service, find_first_charts(data), IngestOptions())
        if is_empty(database):
            raise typer.Exit(1)
        if report := load_first_metadata(database, settings, data, tracks):
            console.print(f"metadata of {report.tracks} tracks, {report.rejected} rows rejected")
    except (ChartcastError, OSError) as error:
        console.print(f"[red]{escape(str(error))}[/red]")
        raise typer.Exit(1) from None


def ingest_files(service: IngestService, files: list[Path], options: IngestOptions) -> bool:
    """Take in ``files`` with a progress bar and a line for each; return whether all went in whole."""
    console.print(f"{len(files)} files, one transaction each" + (" (dry run)" if options.dry_run else ""))
    whole = True
    with _progress_bar() as progress:
        outcomes = ingest_paths(service, files, options)
        for path, outcome in progress.track(outcomes, total=len(files), description="ingest"):
            _print_outcome(path, outcome)
            whole &= isinstance(outcome, IngestReport) and not outcome.rejected
    return whole


def _progress_bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=progress_console, transient=True)


def _print_outcome(path: Path, outcome: IngestReport | ChartcastError) -> None:
    if isinstance(outcome, ChartcastError):
        console.print(f"{escape(str(path))}: [red]refused[/red]: {escape(outcome.detail)}")
        rejected = outcome.extra.get("rejected_rows", [])
    else:
        counts = ("inserted", "updated", "unchanged", "removed", "rejected")
        told = ", ".join(f"{getattr(outcome, count)} {count}" for count in counts if getattr(outcome, count))
        console.print(f"{escape(str(path))}: {told or 'no rows of a daily chart'}")
        rejected = [row.model_dump() for row in outcome.rejected_rows]
    for row in rejected[:SHOWN]:
        console.print(f"  line {row['line']}: {escape(row['problem'])} ({escape(repr(row['value']))})")


def _find(paths: list[Path]) -> list[Path]:
    try:
        files = find_chart_files(paths)
    except FileNotFoundError as error:
        raise typer.BadParameter(str(error), param_hint="PATHS") from None
    if not files:
        raise typer.BadParameter("no *.csv or *.csv.gz in there", param_hint="PATHS")
    return files


def _build_options(
    region: str | None, date: str | None, on_error: str, *, replace: bool, dry_run: bool
) -> IngestOptions:
    errors: dict[str, OnError] = {"reject": "reject", "skip": "skip"}
    if on_error not in errors:
        raise typer.BadParameter("is reject or skip", param_hint="--on-error")
    try:
        code = None if region is None else parse_region(region)
        day = None if date is None else parse_iso_date(date)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return IngestOptions(code, day, errors[on_error], dry_run, replace)
