"""The tables."""

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Region(Base):
    """A region that has charts. ``version`` grows with every change of its charts."""

    __tablename__ = "regions"

    code: Mapped[str] = mapped_column(String(6), primary_key=True)
    first_day: Mapped[dt.date | None]
    last_day: Mapped[dt.date | None]
    version: Mapped[int] = mapped_column(default=0)


class SharedVersion(Base):
    """A count of the changes of something that forecasts of all regions go by: ``artists``, of the tracks."""

    __tablename__ = "shared_versions"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    version: Mapped[int]


class Track(Base):
    """A track, with the name and artist last seen for it (some charts have neither).

    ``artist_id`` is the kernel's id of the artist named first; what writes ``artist`` writes it too.
    """

    __tablename__ = "tracks"

    track_id: Mapped[str] = mapped_column(String(22), primary_key=True)
    track_name: Mapped[str | None]
    artist: Mapped[str | None]
    artist_id: Mapped[str | None] = mapped_column(String(16), index=True)


class TrackMetadata(Base):
    """A track's 13 audio features, each null where unknown, and its release date as published."""

    __tablename__ = "track_metadata"

    track_id: Mapped[str] = mapped_column(ForeignKey("tracks.track_id"), primary_key=True)
    danceability: Mapped[float | None]
    energy: Mapped[float | None]
    key: Mapped[int | None]
    loudness: Mapped[float | None]
    mode: Mapped[int | None]
    speechiness: Mapped[float | None]
    acousticness: Mapped[float | None]
    instrumentalness: Mapped[float | None]
    liveness: Mapped[float | None]
    valence: Mapped[float | None]
    tempo: Mapped[float | None]
    duration_ms: Mapped[int | None]
    time_signature: Mapped[int | None]
    release_date: Mapped[str | None] = mapped_column(String(10))
    source: Mapped[str]
    updated_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))


class DailyStreams(Base):
    """Chart streams of one track in one region on one chart day.

    Clustered by its key on SQLite, covered by it on Postgres: a track's window is one index range. So is a
    chart: with an index that lacks ``streams`` SQLite takes a region's rows for few, and reads them all.
    That the key's index on Postgres includes position and streams stands in its migration alone: said here,
    every process would import that dialect, and Alembic does not compare it.

    Rows have no foreign keys: ``track_regions``, which every upload keeps up, refers to region and track
    (docs/decisions/charts-lie-by-track.md).
    """

    __tablename__ = "daily_streams"
    __table_args__ = (
        PrimaryKeyConstraint("region", "track_id", "date"),
        CheckConstraint("streams >= 0", name="streams_not_negative"),
        CheckConstraint("position >= 1", name="position_from_one"),
        Index(None, "region", "date", "position", "streams"),
        {"sqlite_with_rowid": False},
    )

    region: Mapped[str] = mapped_column(String(6))
    track_id: Mapped[str] = mapped_column(String(22))
    date: Mapped[dt.date]
    position: Mapped[int]
    streams: Mapped[int] = mapped_column(BigInteger)


class TrackRegion(Base):
    """What is known of a track in a region over all its days; kept up with every upload.

    In the order in which tracks came: those that chart now stand together, and an upload changes them all.
    """

    __tablename__ = "track_regions"
    __table_args__ = (
        PrimaryKeyConstraint("track_id", "region"),
        Index(None, "region", "last_day", "last_streams", "track_id"),
    )

    region: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    track_id: Mapped[str] = mapped_column(ForeignKey("tracks.track_id"))
    first_day: Mapped[dt.date]
    last_day: Mapped[dt.date]
    last_streams: Mapped[int] = mapped_column(BigInteger)
    observed_days: Mapped[int]


class ChartDay(Base):
    """One region's chart of one day, summed up.

    ``movement`` is the median, over the tracks charting on this day and the day before, of the ratio
    of their streams; null where the day before has no chart or shares no track.
    """

    __tablename__ = "chart_days"
    __table_args__ = (PrimaryKeyConstraint("region", "date"), {"sqlite_with_rowid": False})

    region: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    date: Mapped[dt.date]
    tracks: Mapped[int]
    total_streams: Mapped[int] = mapped_column(BigInteger)
    min_streams: Mapped[int] = mapped_column(BigInteger)
    movement: Mapped[float | None]
    batch_id: Mapped[int] = mapped_column(ForeignKey("ingest_batches.id"))


class IssuedForecast(Base):
    """What a model said of a whole chart, as of the chart's day; ``forecast`` is a packed ``ChartForecast``.

    ``weights`` tells a bundle's weights from those of another one with its name and version.
    """

    __tablename__ = "issued_forecasts"
    __table_args__ = (
        PrimaryKeyConstraint("region", "model", "version", "weights", "cutoff"),
        Index(None, "region", "cutoff"),
    )

    region: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    model: Mapped[str] = mapped_column(String(32))
    version: Mapped[int]
    weights: Mapped[str] = mapped_column(String(16))
    cutoff: Mapped[dt.date]
    forecast: Mapped[bytes] = mapped_column(LargeBinary)


class IngestBatch(Base):
    """One upload: one transaction."""

    __tablename__ = "ingest_batches"

    id: Mapped[int] = mapped_column(primary_key=True)
    received_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    inserted: Mapped[int]
    updated: Mapped[int]
    unchanged: Mapped[int]
    removed: Mapped[int]
    rejected: Mapped[int]


class IngestFile(Base):
    """One file of an upload, with the hash of its bytes as sent."""

    __tablename__ = "ingest_files"

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("ingest_batches.id"), index=True)
    name: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    format: Mapped[str]
    rows: Mapped[int]


class Correction(Base):
    """What a later upload changed; ``new_*`` are null where it removed the track from the day."""

    __tablename__ = "corrections"
    __table_args__ = (Index(None, "region", "track_id", "date"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(ForeignKey("ingest_batches.id"), index=True)
    region: Mapped[str] = mapped_column(ForeignKey("regions.code"))
    track_id: Mapped[str] = mapped_column(ForeignKey("tracks.track_id"))
    date: Mapped[dt.date]
    old_position: Mapped[int]
    old_streams: Mapped[int] = mapped_column(BigInteger)
    new_position: Mapped[int | None]
    new_streams: Mapped[int | None] = mapped_column(BigInteger)


class ApiKey(Base):
    """A key to the API: the hash of it, never itself.

    ``spent_until`` is where its rate limit stands, for workers that share it through the store: the time,
    in microseconds since 1970, at which its allowance will be whole again.
    """

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    scope: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    spent_until: Mapped[int] = mapped_column(BigInteger, default=0)


class AuditEvent(Base):
    """Who changed what and when; written in the transaction of the change.

    ``files`` lists ``name``, ``sha256`` (of the bytes as sent) and ``size`` (of them) of what was sent;
    ``details`` what came of it. An upload's corrections are found by ``batch_id``.
    """

    __tablename__ = "audit_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    action: Mapped[str] = mapped_column(String(32))
    caller: Mapped[str] = mapped_column(String(64))
    key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"))
    request_id: Mapped[str | None] = mapped_column(String(128))
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("ingest_batches.id"), index=True)
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
