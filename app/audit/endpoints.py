"""``GET /audit`` and the corrections of an upload."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from app.access.rules import Rule, requires
from app.audit.schemas import AuditItem, AuditPage, CorrectionItem, CorrectionPage
from app.cursors import decode_cursor, decode_number, encode_cursor
from app.dependencies import DatabaseDep
from app.errors import NotFoundError, problem_responses
from app.repository.audit import read_corrections, read_events

LARGEST_ID = 2**31 - 1  # of the table's column

router = APIRouter(prefix="/audit", tags=["audit"])
BatchId = Annotated[int | None, Query(ge=1, lt=2**31, description="The event of this upload alone.")]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[
    str | None, Query(max_length=200, description="next_cursor of the page before; none for the first.")
]


@router.get("", summary="Who changed what", responses=problem_responses(422))
@requires(Rule.ADMIN)
def list_events(
    database: DatabaseDep,
    *,
    batch_id: BatchId = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AuditPage:
    """Uploads, metadata and keys, the latest first: who, when, by which request, from which files, and what
    came of it. Dry runs and what was refused changed nothing and are not on record."""
    before = None if cursor is None else _decode_id(cursor)
    with database.read() as connection:
        # One more than asked for tells whether there is a next page.
        events = read_events(connection, before=before, batch_id=batch_id, limit=limit + 1)
    items = [AuditItem.model_validate(event._asdict()) for event in events[:limit]]
    return AuditPage(items=items, next_cursor=encode_cursor(items[-1].id) if len(events) > limit else None)


@router.get(
    "/{batch_id}/corrections", summary="What an upload corrected", responses=problem_responses(404, 422)
)
@requires(Rule.ADMIN)
def list_corrections(
    batch_id: Annotated[int, Path(ge=1, lt=2**31, description="The upload's number.")],
    database: DatabaseDep,
    *,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> CorrectionPage:
    """The rows that were stored before an upload and that it changed or removed: what they were, what they
    became. Rows that it put in anew, or left as they were, are none."""
    after = 0 if cursor is None else _decode_id(cursor)
    with database.read() as connection:
        if not read_events(connection, batch_id=batch_id, limit=1):
            raise NotFoundError(f"No upload {batch_id} is on record; GET /audit lists those that are.")
        corrections = read_corrections(connection, batch_id, after=after, limit=limit + 1)
    items = [CorrectionItem.model_validate(correction._asdict()) for correction in corrections[:limit]]
    more = len(corrections) > limit
    return CorrectionPage(items=items, next_cursor=encode_cursor(corrections[limit - 1].id) if more else None)


def _decode_id(cursor: str) -> int:
    return min(decode_number(decode_cursor(cursor, 1)[0]), LARGEST_ID)
