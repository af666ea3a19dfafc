"""Storing metadata, in one transaction an upload."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from app.access.callers import COMMAND_LINE, Caller
from app.config import Settings
from app.database import Database
from app.repository.audit import insert_event
from app.repository.metadata import read_metadata, replace_values, upsert_metadata
from app.tracks.features import Features
from app.tracks.metadata import MetadataFile, parse_metadata
from app.tracks.schemas import MetadataFileReport, MetadataReport, MetadataStored, RejectedMetadataRow
from app.uploads import BODY_NAME, Upload

_LISTED = 100


def load_metadata(
    database: Database, settings: Settings, uploads: Sequence[Upload], caller: Caller = COMMAND_LINE
) -> MetadataReport:
    """Store the good rows of metadata files, CSV or JSON; all of them are there on return.

    Raises:
        ChartcastError: a file is none, is damaged or too large; nothing of any file is stored.
    """
    files = [parse_metadata(upload, settings) for upload in uploads]
    with database.write() as connection:
        for file in files:
            upsert_metadata(connection, file.tracks, file.name)
        report = _build_report(files)
        insert_event(
            connection,
            action="metadata",
            **caller._asdict(),
            files=[_describe_upload(upload) for upload in uploads],
            details=report.model_dump(include={"rows", "tracks", "rejected"}),
        )
    return report


def _describe_upload(upload: Upload) -> dict[str, str | int]:
    return {"name": upload.name, "sha256": sha256(upload.data).hexdigest(), "size": len(upload.data)}


def put_metadata(
    database: Database, track_id: str, features: Features, caller: Caller = COMMAND_LINE
) -> MetadataStored:
    """Store the features given for one track: an absent one stays as it is, a null one is cleared."""
    values: dict[str, Any] = features.model_dump(exclude_unset=True, include=set(Features.model_fields))
    with database.write() as connection:
        replace_values(connection, track_id, values, BODY_NAME)
        insert_event(
            connection,
            action="metadata",
            **caller._asdict(),
            details={"track_id": track_id, "fields": sorted(values)},
        )
        stored = read_metadata(connection, track_id)
    # An unpaired surrogate is good JSON, but no text that an answer could hold.
    unknown = [name.encode("utf-8", "replace").decode() for name in features.model_extra or {}]
    return MetadataStored.model_validate(
        {"track_id": track_id, "metadata": stored, "ignored_columns": unknown}
    )


def _build_report(files: Sequence[MetadataFile]) -> MetadataReport:
    rejected = [row for file in files for row in file.rejected_rows][:_LISTED]
    return MetadataReport(
        rows=sum(file.rows for file in files),
        tracks=len({track_id for file in files for track_id in file.tracks}),
        rejected=sum(file.rejected for file in files),
        ignored_columns=list(dict.fromkeys(column for file in files for column in file.ignored_columns)),
        files=[_build_file_report(file) for file in files],
        rejected_rows=[RejectedMetadataRow(**row._asdict()) for row in rejected],
    )


def _build_file_report(file: MetadataFile) -> MetadataFileReport:
    return MetadataFileReport(
        name=file.name,
        rows=file.rows,
        tracks=len(file.tracks),
        rejected=file.rejected,
        ignored_columns=list(file.ignored_columns),
    )
