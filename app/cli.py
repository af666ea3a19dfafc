"""The commands of ``python -m app``."""

import gc
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from sqlalchemy.engine import make_url

from app.access import commands as keys
from app.audit.commands import audit
from app.command_settings import read_settings
from app.command_store import open_store
from app.config import Settings
from app.database import BULK_CACHE, Database
from app.dates import parse_iso_date
from app.errors import ChartcastError
from app.first_start import find_first_charts, is_empty, load_first_metadata, print_greeting, store_of
from app.ingest.folders import find_chart_files, ingest_paths
from app.ingest.schemas import IngestReport, OnError
from app.ingest.service import IngestOptions, IngestService
from app.model_catalog import commands as models
from app.observability.logs import configure_logging
from app.observability.workers import shared_metrics
from app.regions import REGION_HELP, parse_region
from app.repository.backup import BackupError, copy_sqlite

if TYPE_CHECKING:
    from rich.progress import Progress

SHOWN = 10  # rejected rows printed for a file
IN_OPTIONS = {  # what refusals advise, as the command has it
    "send on_error=skip": "give --on-error skip",
    "or replace=true where": "or give --replace where",
    "add region= to the request": "give --region",
    "add date=YYYY-MM-DD to the request": "give --date YYYY-MM-DD",
    "the request says": "the command says",
}
STOP_SECONDS = 30  # for the requests under way, once asked to stop

app = typer.Typer(
    help="Chartcast: forecasts of daily chart streams.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # they hold passwords
)
app.add_typer(keys.app, name="keys")
app.command()(audit)
app.add_typer(models.app, name="models")
console = Console(soft_wrap=True, highlight=False)
progress_console = Console(stderr=True)


@app.callback()
def main() -> None:
    """Settings come from the environment (CHARTCAST_…) and .env, as for the service."""


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
    settings = read_settings()
    # Millions of rows come and go here, none in a cycle: looking for cycles would take a third of the time.
    gc.set_threshold(100_000, 50, 50)
    with open_store(settings, cache=BULK_CACHE) as database:
        if not ingest_files(IngestService(database, settings), _find(paths), options):
            raise typer.Exit(1)


@app.command()
def backup(
    path: Annotated[Path, typer.Argument(help="The copy: a file that is not there yet.", dir_okay=False)],
) -> None:
    """Copy a SQLite store to a file, while it is served and written to.

    The schema stays as it is. A store on PostgreSQL is copied by pg_dump: see docs/operations.md.
    """
    url = make_url(read_settings().database_url)
    if url.get_backend_name() != "sqlite":
        raise typer.BadParameter("the store is on PostgreSQL; copy it with pg_dump", param_hint="PATH")
    try:
        copy_sqlite(Path(url.database or ""), path)
    except BackupError as error:
        console.print(f"[red]{escape(str(error))}[/red]")
        raise typer.Exit(1) from None
    console.print(f"{escape(str(path))}: {path.stat().st_size / 2**20:.1f} MB")


@app.command()
def serve(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    data: Annotated[
        Path | None, typer.Option(help="Chart file or folder to fill an empty store with; else the sample.")
    ] = None,
    tracks: Annotated[list[Path] | None, typer.Option(help="Metadata files to go with --data.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that serve.")] = 1,
) -> None:
    """Migrate the store, fill it where it is empty, and serve.

    With --data and no CHARTCAST_DATABASE_URL the store is a file named after the data.
    """
    settings = store_of(data, read_settings())
    with open_store(settings) as database:
        console.print(f"store        {database.address}")
        if is_empty(database):
            _fill(database, settings, data, tracks or [])
        elif data is not None:
            _say_what_is_not_read(database, data, tracks or [])
        print_greeting(console, database, host, port)
    _serve(settings, host, port, workers)


def _serve(settings: Settings, host: str, port: int, workers: int) -> None:
    import uvicorn  # these are slow to import, and only serving needs them

    from app.server import BoundedProtocol

    configure_logging(settings.log_level, settings.log_format)
    # Asked to stop, uvicorn lets requests end and then dies of the signal; supervisors want to see a 0.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    how: dict[str, Any] = {
        "http": BoundedProtocol,
        "access_log": False,
        "log_config": None,
        "log_level": "warning",
        "proxy_headers": False,
        "timeout_graceful_shutdown": STOP_SECONDS,
    }
    if workers == 1:
        from app.main import create_app

        uvicorn.run(create_app(settings), host=host, port=port, **how)
        return
    # Each worker is a process of its own, which reads its settings anew.
    os.environ["CHARTCAST_DATABASE_URL"] = settings.database_url
    from app.supervisor import Supervisor

    config = uvicorn.Config("app.main:app", host=host, port=port, workers=workers, **how)
    with shared_metrics(workers):
        Supervisor(config, sockets=[config.bind_socket()]).run()


def _say_what_is_not_read(database: Database, data: Path, tracks: list[Path]) -> None:
    """A store that holds charts is served as it is: how to add to it."""
    which = f"CHARTCAST_DATABASE_URL={database.address} " if database.is_embedded else ""
    command = which + shlex.join([sys.executable, "-m", "app", "ingest", str(data)])
    console.print(f"it holds charts already; to add to them: {escape(command)}", soft_wrap=True)
    for path in tracks:
        console.print(f"{escape(str(path))} is not read; POST /tracks/metadata takes it", soft_wrap=True)


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


def _progress_bar() -> "Progress":
    from rich import progress  # slow to import, and most that serve have nothing to take in

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TimeRemainingColumn(),
    )
    return progress.Progress(*columns, console=progress_console, transient=True)


def _print_outcome(path: Path, outcome: IngestReport | ChartcastError) -> None:
    if isinstance(outcome, ChartcastError):
        console.print(f"{escape(str(path))}: [red]refused[/red]: {escape(_in_options(outcome.detail))}")
        rejected = outcome.extra.get("rejected_rows", [])
    else:
        counts = ("inserted", "updated", "unchanged", "removed", "rejected")
        told = ", ".join(f"{getattr(outcome, count)} {count}" for count in counts if getattr(outcome, count))
        console.print(f"{escape(str(path))}: {told or 'no rows of a daily chart'}")
        rejected = [row.model_dump() for row in outcome.rejected_rows]
    for row in rejected[:SHOWN]:
        console.print(f"  line {row['line']}: {escape(row['problem'])} ({escape(repr(row['value']))})")


def _in_options(detail: str) -> str:
    """A refusal in the command's own words, where it names what a request would say."""
    for of_request, of_command in IN_OPTIONS.items():
        detail = detail.replace(of_request, of_command)
    return detail


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
