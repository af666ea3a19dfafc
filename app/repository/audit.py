"""The record of who changed what."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from app.dates import to_utc
from app.models import AuditEvent, Correction


class RecordedEvent(NamedTuple):
    """A change on record, as ``AuditEvent`` has it; ``at`` is UTC."""

    id: int
    at: dt.datetime
    action: str
    caller: str
    key_id: int | None
    request_id: str | None
    batch_id: int | None
    files: list[dict[str, Any]]
    details: dict[str, Any]


class RecordedCorrection(NamedTuple):
    """A row that an upload changed; ``new_*`` are None where it removed it."""

    id: int
    region: str
    track_id: str
    date: dt.date
    old_position: int
    old_streams: int
    new_position: int | None
    new_streams: int | None


_INSERT = insert(AuditEvent)
_EVENTS = select(*(getattr(AuditEvent, name) for name in RecordedEvent._fields)).order_by(
    AuditEvent.id.desc()
)
_CORRECTIONS = select(*(getattr(Correction, name) for name in RecordedCorrection._fields)).order_by(
    Correction.id
)


def insert_event(
    connection: Connection,
    *,
    action: str,
    caller: str,
    key_id: int | None = None,
    request_id: str | None = None,
    batch_id: int | None = None,
    files: Sequence[Mapping[str, Any]] = (),
    details: Mapping[str, Any],
) -> None:
    """Put a change on record, in the transaction that makes it."""
    row = {
        "at": dt.datetime.now(dt.UTC),
        "action": action,
        "caller": caller,
        "key_id": key_id,
        "request_id": request_id,
        "batch_id": batch_id,
        "files": list(files),
        "details": dict(details),
    }
    connection.execute(_INSERT, row)


def read_events(
    connection: Connection, *, before: int | None = None, batch_id: int | None = None, limit: int
) -> list[RecordedEvent]:
    """The latest changes first: those with an id under ``before``, those of one upload."""
    statement = _EVENTS.limit(limit)
    if before is not None:
        statement = statement.where(AuditEvent.id < before)
    if batch_id is not None:
        statement = statement.where(AuditEvent.batch_id == batch_id)
    events = [RecordedEvent(*row) for row in connection.execute(statement)]
    return [event._replace(at=to_utc(event.at)) for event in events]


def read_corrections(
    connection: Connection, batch_id: int, *, after: int = 0, limit: int | None = None
) -> list[RecordedCorrection]:
    """What one upload changed of what was stored before it, in that order, with ids over ``after``."""
    of_batch = _CORRECTIONS.where(Correction.batch_id == batch_id, Correction.id > after)
    return [RecordedCorrection(*row) for row in connection.execute(of_batch.limit(limit))]
