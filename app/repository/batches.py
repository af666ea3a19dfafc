"""The record of uploads."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from app.models import IngestBatch, IngestFile
from app.repository.upsert import execute_many

_BATCH = insert(IngestBatch).returning(IngestBatch.id)
_FILE = insert(IngestFile)
_LAST = select(IngestBatch.received_at).order_by(IngestBatch.id.desc()).limit(1)


def insert_batch(
    connection: Connection,
    *,
    received_at: dt.datetime,
    counts: Mapping[str, int],
    files: Sequence[Mapping[str, Any]],
) -> int:
    """Put an upload and its files on record; return the batch's id.

    Args:
        connection: Inside the transaction that stores what the upload brings.
        received_at: When it came, UTC.
        counts: Rows ``inserted``, ``updated``, ``unchanged``, ``removed`` and ``rejected``.
        files: For each its ``name``, ``sha256`` (of the bytes as sent), ``format`` and ``rows``.
    """
    batch_id: int = connection.execute(_BATCH, {"received_at": received_at, **counts}).scalar_one()
    execute_many(connection, _FILE, ({"batch_id": batch_id, **file} for file in files))
    return batch_id


def read_last_upload(connection: Connection) -> dt.datetime | None:
    """When the last upload on record came, UTC; None where there is none."""
    received_at: dt.datetime | None = connection.execute(_LAST).scalar_one_or_none()
    # SQLite keeps no zone: what it has is UTC, as it was put there.
    return None if received_at is None else received_at.replace(tzinfo=received_at.tzinfo or dt.UTC)
