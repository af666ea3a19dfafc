"""``GET /audit``."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.access.rules import Rule, requires
from app.audit.schemas import AuditItem, AuditPage
from app.cursors import decode_cursor, decode_number, encode_cursor
from app.dependencies import DatabaseDep
from app.errors import problem_responses
from app.repository.audit import read_events

LARGEST_ID = 2**31 - 1  # of the table's column

router = APIRouter(prefix="/audit", tags=["audit"])
BatchId = Annotated[int | None, Query(ge=1, lt=2**31, description="The event of this upload alone.")]


@router.get("", summary="Who changed what", responses=problem_responses(422))
@requires(Rule.ADMIN)
def list_events(
    database: DatabaseDep,
    *,
    batch_id: BatchId = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=200, description="next_cursor of the page before; none for the first.")
    ] = None,
) -> AuditPage:
    """Uploads, metadata and keys, the latest first: who, when, by which request, from which files, and what
    came of it. Dry runs and what was refused changed nothing and are not on record."""
    before = None if cursor is None else min(decode_number(decode_cursor(cursor, 1)[0]), LARGEST_ID)
    with database.read() as connection:
        # One more than asked for tells whether there is a next page.
        events = read_events(connection, before=before, batch_id=batch_id, limit=limit + 1)
    items = [AuditItem.model_validate(event._asdict()) for event in events[:limit]]
    return AuditPage(items=items, next_cursor=encode_cursor(items[-1].id) if len(events) > limit else None)
