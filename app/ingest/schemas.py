"""What ``POST /ingest`` takes as JSON, and what it answers."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from app.dates import IsoDate
from app.regions import REGION_HELP, RegionCode
from app.track_ids import TRACK_ID_HELP

OnError = Literal["reject", "skip"]

_ENTRY_SCHEMA = {
    "title": "ChartEntry",
    "type": "object",
    "required": ["position", "track_id", "streams"],
    "properties": {
        "position": {"type": "integer", "minimum": 1, "maximum": 1000, "description": "Place in the chart."},
        "track_id": {"type": "string", "description": TRACK_ID_HELP},
        "track_name": {"type": ["string", "null"]},
        "artist": {"type": ["string", "null"]},
        "streams": {"type": "integer", "minimum": 0, "description": "Chart streams of the day."},
    },
}

# Read one by one by the rules of chart files, so that one bad entry is a rejected row and not the end.
ChartEntry = Annotated[Any, WithJsonSchema(_ENTRY_SCHEMA)]


class ChartUpload(BaseModel):
    """The whole chart of one region on one day."""

    region: RegionCode | None = None
    date: IsoDate | None = None
    entries: list[ChartEntry] = Field(min_length=1)


class FileReport(BaseModel):
    """What became of one file's rows."""

    name: str = Field(examples=["ph-2020-03-09.csv"])
    format: str = Field(description="The format its header was recognised as.", examples=["daily_csv"])
    region: str | None = Field(description=f"{REGION_HELP}; null where it has several.", examples=["ph"])
    regions: list[str] = Field(description="Every region that it has good rows of.", examples=[["ph"]])
    dates: list[dt.date] = Field(description="The chart days that it has good rows of.")
    rows: int = Field(description="Rows read, good or rejected; those skipped are not among them.")
    inserted: int = Field(description="Rows new to the store.")
    updated: int = Field(description="Rows that corrected what was stored.")
    unchanged: int = Field(description="Rows stored already as they are.")
    removed: int = Field(default=0, description="Stored rows of its days that it lacks; taken out.")
    rejected: int = Field(description="Bad rows, listed under `rejected_rows`.")
    skipped: int = Field(default=0, description="Rows of other charts (viral), left out.")


class RejectedRow(BaseModel):
    """A row that was not stored, and why."""

    file: str
    line: int = Field(description="The line, from 1, on which the row starts; of JSON, the entry's number.")
    field: str = Field(examples=["streams"])
    value: str = Field(examples=["abc"])
    problem: str = Field(examples=["streams is not a whole number >= 0"])


class IngestReport(BaseModel):
    """What became of an upload."""

    batch_id: int | None = Field(description="The upload's number on record; null with `dry_run`.")
    dry_run: bool = Field(description="Whether nothing was stored.")
    inserted: int
    updated: int
    unchanged: int
    removed: int
    rejected: int
    files: list[FileReport]
    rejected_rows: list[RejectedRow] = Field(description="The first 100 rejected rows.")

    @property
    def changed(self) -> bool:
        """Whether the upload changed what is stored, or with ``dry_run`` would have."""
        return bool(self.inserted or self.updated or self.removed)
