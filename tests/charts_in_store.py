"""Charts put straight into a store, for tests of what reads them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert

from app.database import Database
from app.forecasting.artists import artist_id
from app.models import ChartDay, DailyStreams, IngestBatch, Region, Track, TrackRegion

Chart = Mapping[str, int]  # track id -> streams; positions follow
Names = Mapping[str, tuple[str | None, str | None]]  # track id -> name and artist


def track_id_of(letter: str) -> str:
    """A well-formed track id that is easy to tell apart: 22 times the same letter."""
    return letter * 22


def store_charts(
    database: Database,
    charts: Mapping[tuple[str, str], Chart],
    names: Names | None = None,
) -> None:
    """Store whole charts by (region, ISO day), with the sums an upload keeps."""
    rows = [
        {"region": region, "date": dt.date.fromisoformat(day), "track_id": track_id, "streams": streams}
        for (region, day), chart in charts.items()
        for track_id, streams in sorted(chart.items(), key=lambda item: -item[1])
    ]
    days = _group(rows, "region", "date")
    for day in days:
        for position, row in enumerate(day, start=1):
            row["position"] = position
    tracks = sorted({track_id for chart in charts.values() for track_id in chart})
    with database.write() as connection:
        batch = dict.fromkeys(("inserted", "updated", "unchanged", "removed", "rejected"), 0)
        connection.execute(insert(IngestBatch).values(id=1, received_at=dt.datetime.now(dt.UTC), **batch))
        connection.execute(insert(Region), [_sum_region(of_region) for of_region in _group(rows, "region")])
        connection.execute(insert(Track), [_name(track_id, names or {}) for track_id in tracks])
        connection.execute(insert(DailyStreams), rows)
        connection.execute(insert(ChartDay), [_sum_day(day) for day in days])
        by_track = _group(rows, "region", "track_id")
        connection.execute(insert(TrackRegion), [_sum_track(track) for track in by_track])


def _group(rows: Sequence[dict[str, Any]], *columns: str) -> list[list[dict[str, Any]]]:
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in columns), []).append(row)
    return list(groups.values())


def _name(track_id: str, names: Names) -> dict[str, Any]:
    track_name, artist = names.get(track_id, (None, None))
    return {
        "track_id": track_id,
        "track_name": track_name,
        "artist": artist,
        "artist_id": artist_id(artist),
    }


def _sum_region(rows: list[dict[str, Any]]) -> dict[str, Any]:
    days = [row["date"] for row in rows]
    return {"code": rows[0]["region"], "first_day": min(days), "last_day": max(days), "version": 1}


def _sum_day(rows: list[dict[str, Any]]) -> dict[str, Any]:
    streams = [row["streams"] for row in rows]
    key = {name: rows[0][name] for name in ("region", "date")}
    sums = {"tracks": len(rows), "total_streams": sum(streams), "min_streams": min(streams)}
    return {**key, **sums, "movement": None, "batch_id": 1}


def _sum_track(rows: list[dict[str, Any]]) -> dict[str, Any]:
    last = max(rows, key=lambda row: row["date"])
    return {
        "region": last["region"],
        "track_id": last["track_id"],
        "first_day": min(row["date"] for row in rows),
        "last_day": last["date"],
        "last_streams": last["streams"],
        "observed_days": len(rows),
    }
