"""What the track routes take and answer."""

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.tracks.features import EXAMPLE_FEATURES, Features

_ID = "0kN8xEmgMW9mh7UmDYHlJP"
_METADATA = {**EXAMPLE_FEATURES, "source": "tracks.csv", "updated_at": "2021-01-02T08:30:00Z"}


def _example(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class TrackMetadataAnswer(Features):
    """A track's features as stored, which file (or the API) gave them last, and when."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [_METADATA]})

    source: str
    updated_at: dt.datetime


class MetadataStored(BaseModel):
    """A track's metadata after a PUT, and the fields of the request that mean nothing here."""

    model_config = _example(track_id=_ID, metadata=_METADATA, ignored_columns=["uri"])

    track_id: str
    metadata: TrackMetadataAnswer
    ignored_columns: list[str]


class RejectedMetadataRow(BaseModel):
    """One fault of a row that was not stored. In JSON, ``line`` is the item's number."""

    file: str
    line: int
    field: str
    value: str
    problem: str


class MetadataFileReport(BaseModel):
    """What became of one file."""

    name: str
    rows: int
    tracks: int = Field(description="Tracks that the good rows name.")
    rejected: int
    ignored_columns: list[str]


_FILE = {"name": "tracks.csv", "rows": 3267, "tracks": 3266, "rejected": 1, "ignored_columns": ["popularity"]}
_REJECTED = {
    "file": "tracks.csv",
    "line": 17,
    "field": "energy",
    "value": "1.7",
    "problem": "Input should be less than or equal to 1",
}


class MetadataReport(BaseModel):
    """What became of an upload of metadata. ``rejected_rows`` lists the first 100 bad rows."""

    model_config = _example(
        rows=3267, tracks=3266, rejected=1, ignored_columns=["popularity"], files=[_FILE],
        rejected_rows=[_REJECTED],
    )  # fmt: skip

    rows: int
    tracks: int = Field(description="Different tracks that the good rows name.")
    rejected: int
    ignored_columns: list[str]
    files: list[MetadataFileReport]
    rejected_rows: list[RejectedMetadataRow]


class TrackItem(BaseModel):
    """A track in a listing."""

    track_id: str
    track_name: str | None
    artist: str | None
    regions: list[str] = Field(description="Every region whose chart has had it.")
    last_observed: dt.date = Field(description="Its last chart day, in the region asked for or in any.")
    has_metadata: bool = Field(description="Whether at least one of the 13 features is known.")


class TrackPage(BaseModel):
    """A page of tracks; ``next_cursor`` is null on the last."""

    model_config = _example(
        items=[
            {
                "track_id": _ID,
                "track_name": "Versace on the Floor",
                "artist": "Bruno Mars",
                "regions": ["ph"],
                "last_observed": "2020-12-31",
                "has_metadata": True,
            }
        ],
        next_cursor="MjAyMC0xMi0zMXwzMTIwNHwwa044eEVtZ01XOW1oN1VtRFlIbEpQ",
    )

    items: list[TrackItem]
    next_cursor: str | None


class TrackInRegion(BaseModel):
    """How long a region's chart has had a track."""

    region: str
    first_day: dt.date
    last_day: dt.date
    observed_days: int


class TrackAnswer(BaseModel):
    """All that is known of a track but its streams. One that never charted has no regions."""

    model_config = _example(
        track_id=_ID,
        track_name="Versace on the Floor",
        artist="Bruno Mars",
        regions=[
            {"region": "ph", "first_day": "2017-01-01", "last_day": "2020-12-31", "observed_days": 1204}
        ],
        metadata=_METADATA,
    )

    track_id: str
    track_name: str | None
    artist: str | None
    regions: list[TrackInRegion]
    metadata: TrackMetadataAnswer | None


class HistoryItem(BaseModel):
    """One chart day of a track."""

    date: dt.date
    streams: int
    position: int


class HistoryPage(BaseModel):
    """A page of a track's chart days, the oldest first; days off the chart are absent."""

    model_config = _example(
        track_id=_ID,
        region="ph",
        items=[{"date": "2020-12-30", "streams": 79310, "position": 17}],
        next_cursor=None,
    )

    track_id: str
    region: str
    items: list[HistoryItem]
    next_cursor: str | None
