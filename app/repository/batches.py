"""The record of uploads."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert

from app.models import IngestBatch, IngestFile
from app.repository.upsert import execute_many

_BATCH = insert(IngestBatch).returning(IngestBatch.id)
_FILE = insert(IngestFile)


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
