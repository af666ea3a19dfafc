"""What ``/audit`` answers."""

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

_EVENT: dict[str, Any] = {
    "id": 31,
    "at": "2021-01-02T08:30:00Z",
    "action": "ingest",
    "caller": "daily-loader",
    "key_id": 2,
    "request_id": "0f1d6c0e6c5b4a3f9d5a0f5f5f0c2b1a",
    "batch_id": 12,
    "files": [{"name": "ph-2021-01-01.csv", "sha256": "9f86d081…", "size": 18211}],
    "details": {"inserted": 200, "updated": 0, "unchanged": 0, "removed": 0, "rejected": 0},
}


class AuditedFile(BaseModel):
    """A file as it was sent."""

    name: str
    sha256: str = Field(description="SHA-256 of its bytes as sent, in hexadecimal.")
    size: int = Field(description="Bytes as sent.")


class AuditItem(BaseModel):
    """One change of the store."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EVENT]})

    id: int
    at: dt.datetime = Field(description="UTC.")
    action: str = Field(description="`ingest`, `metadata`, `key created` or `key revoked`.")
    caller: str = Field(description="The key's name; `loopback` without keys; or `command line`.")
    key_id: int | None
    request_id: str | None
    batch_id: int | None = Field(description="The upload's number, which its corrections bear too.")
    files: list[AuditedFile]
    details: dict[str, Any] = Field(description="What came of it: rows by what became of them, and the like.")


class CorrectionItem(BaseModel):
    """A stored row that an upload changed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "region": "ph",
                    "track_id": "4umIPjkehX1r7uhmGvXiSV",
                    "date": "2020-12-30",
                    "old_position": 17,
                    "old_streams": 79310,
                    "new_position": 16,
                    "new_streams": 80112,
                }
            ]
        }
    )

    region: str
    track_id: str
    date: dt.date
    old_position: int
    old_streams: int
    new_position: int | None = Field(description="null: it was removed.")
    new_streams: int | None = Field(description="null: it was removed.")


class CorrectionPage(BaseModel):
    """A page of an upload's corrections, in the order in which it made them."""

    items: list[CorrectionItem]
    next_cursor: str | None


class AuditPage(BaseModel):
    """A page of the record, the latest first."""

    items: list[AuditItem]
    next_cursor: str | None
