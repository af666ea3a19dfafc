"""``python -m app audit``: who changed what."""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from app.audit.schemas import AuditItem, CorrectionItem
from app.command_settings import read_settings
from app.command_store import open_store
from app.repository.audit import RecordedCorrection, RecordedEvent, read_corrections, read_events

console = Console(soft_wrap=True, highlight=False)


def audit(
    limit: Annotated[int, typer.Option(min=1, help="How many of the latest.")] = 20,
    batch: Annotated[int | None, typer.Option(help="One upload, with the rows that it corrected.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, as GET /audit has it.")
    ] = False,
) -> None:
    """Show uploads, metadata and keys, the latest first: who, when, from which files, what came of it."""
    with open_store(read_settings()) as database, database.read() as connection:
        events = read_events(connection, batch_id=batch, limit=limit)
        corrections = [] if batch is None else read_corrections(connection, batch)
    if not events and not as_json:
        what = "nothing" if batch is None else f"no upload {batch}"
        console.print(f"{what} is on record in {database.address}", markup=False)
    for event in events:
        if as_json:
            typer.echo(AuditItem.model_validate(event._asdict()).model_dump_json())
        else:
            _print_event(event)
    for correction in corrections:
        if as_json:
            typer.echo(CorrectionItem.model_validate(correction._asdict()).model_dump_json())
        else:
            console.print(f"  {_describe(correction)}")


def _print_event(event: RecordedEvent) -> None:
    upload = "" if event.batch_id is None else f", upload {event.batch_id}"
    request = "" if event.request_id is None else f", request {event.request_id}"
    told = ", ".join(f"{name} {value}" for name, value in event.details.items())
    line = f"{event.at:%Y-%m-%d %H:%M:%S} {event.action}{upload} by {event.caller}{request}: {told}"
    console.print(escape(line))
    for file in event.files:
        console.print(escape(f"  {file['sha256']} {file['size']:>10} {file['name']}"))


def _describe(correction: RecordedCorrection) -> str:
    old = f"position {correction.old_position}, {correction.old_streams} streams"
    new = f"position {correction.new_position}, {correction.new_streams} streams"
    became = "removed" if correction.new_position is None else new
    return f"{correction.region} {correction.date} {correction.track_id}: {old} -> {became}"
