"""Charts by region and day: reading them, and putting in what an upload changes."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, case, delete, insert, select, update

from app.models import ChartDay, Correction, DailyStreams, Region
from app.repository.chart_change import Chart, ChartChange, DayKey, Entry
from app.repository.upsert import execute_many, in_batches, upsert_rows


class Movement(NamedTuple):
    """A day's market movement, worked out again."""

    region: str
    date: dt.date
    movement: float | None


def lock_regions(connection: Connection, codes: Iterable[str]) -> None:
    """Make the regions where they are new, and keep other uploads to them waiting.

    In code order, so that two uploads cannot wait for each other. On SQLite the transaction itself
    (``BEGIN IMMEDIATE``) keeps them out.
    """
    ordered = sorted(codes)
    upsert_rows(connection, Region, [{"code": code, "version": 0} for code in ordered], replace=())
    for code in ordered:
        connection.execute(select(Region.code).where(Region.code == code).with_for_update())


def read_charts(connection: Connection, keys: Collection[DayKey]) -> dict[DayKey, Chart]:
    """The stored charts among ``keys``, whole; days without one are left out."""
    charts: dict[DayKey, dict[str, Entry]] = {}
    for region, days in _days_by_region(keys).items():
        for batch in in_batches(_read_charted_days(connection, region, days), size=100):
            rows = select(
                DailyStreams.date, DailyStreams.track_id, DailyStreams.position, DailyStreams.streams
            ).where(DailyStreams.region == region, DailyStreams.date.in_(batch))
            for day, track_id, position, streams in connection.execute(rows):
                charts.setdefault((region, day), {})[track_id] = Entry(position, streams)
    return dict(charts)


def _days_by_region(keys: Iterable[DayKey]) -> dict[str, list[dt.date]]:
    days: defaultdict[str, list[dt.date]] = defaultdict(list)
    for region, day in sorted(keys):
        days[region].append(day)
    return days


def _read_charted_days(connection: Connection, region: str, days: Sequence[dt.date]) -> Iterator[dt.date]:
    # A backfill's days are mostly new: asking here first spares looking for their rows.
    for batch in in_batches(days):
        found = select(ChartDay.date).where(ChartDay.region == region, ChartDay.date.in_(batch))
        yield from connection.scalars(found.order_by(ChartDay.date)).all()


def write_chart_rows(connection: Connection, changes: Sequence[ChartChange]) -> None:
    """Put in, overwrite and take out the rows that ``changes`` say, in the order of the primary key."""
    written = [
        (change.region, track_id, change.date, change.after[track_id])
        for change in changes
        for track_id in (*change.inserted, *change.updated)
    ]
    written.sort()
    rows = (
        {
            "region": region,
            "track_id": track_id,
            "date": day,
            "position": entry.position,
            "streams": entry.streams,
        }
        for region, track_id, day, entry in written
    )
    upsert_rows(connection, DailyStreams, rows, replace=("position", "streams"))
    _delete_rows(connection, changes)


def _delete_rows(connection: Connection, changes: Sequence[ChartChange]) -> None:
    statement = delete(DailyStreams).where(
        DailyStreams.region == bindparam("in_region"),
        DailyStreams.track_id == bindparam("of_track"),
        DailyStreams.date == bindparam("on_day"),
    )
    rows = (
        {"in_region": change.region, "of_track": track_id, "on_day": change.date}
        for change in changes
        for track_id in sorted(change.removed)
    )
    execute_many(connection, statement, rows)


def insert_corrections(connection: Connection, batch_id: int, changes: Sequence[ChartChange]) -> None:
    """Keep on record what was stored before ``changes`` overwrote or removed it."""
    rows = (
        _build_correction(batch_id, change, track_id, old)
        for change in changes
        for track_id, old in sorted((*change.updated.items(), *change.removed.items()))
    )
    execute_many(connection, insert(Correction), rows)


def _build_correction(batch_id: int, change: ChartChange, track_id: str, old: Entry) -> dict[str, Any]:
    new = change.after.get(track_id)
    return {
        "batch_id": batch_id,
        "region": change.region,
        "track_id": track_id,
        "date": change.date,
        "old_position": old.position,
        "old_streams": old.streams,
        "new_position": new.position if new else None,
        "new_streams": new.streams if new else None,
    }


def upsert_chart_days(connection: Connection, batch_id: int, changes: Sequence[ChartChange]) -> None:
    """Sum up the days that ``changes`` change; their movement is for ``update_movements`` to put in."""
    rows = (_sum_up(batch_id, change) for change in sorted(changes, key=lambda change: change.key))
    upsert_rows(
        connection, ChartDay, rows, replace=("tracks", "total_streams", "min_streams", "movement", "batch_id")
    )


def _sum_up(batch_id: int, change: ChartChange) -> dict[str, Any]:
    streams = [entry.streams for entry in change.after.values()]
    return {
        "region": change.region,
        "date": change.date,
        "tracks": len(streams),
        "total_streams": sum(streams),
        "min_streams": min(streams),
        "movement": None,
        "batch_id": batch_id,
    }


def update_movements(connection: Connection, movements: Iterable[Movement]) -> None:
    """Put in the movement of days that have a chart."""
    statement = (
        update(ChartDay)
        .where(ChartDay.region == bindparam("in_region"), ChartDay.date == bindparam("on_day"))
        .values(movement=bindparam("moved"))
    )
    rows = ({"in_region": m.region, "on_day": m.date, "moved": m.movement} for m in movements)
    execute_many(connection, statement, rows)


def update_regions(connection: Connection, changes: Iterable[ChartChange]) -> None:
    """Count a new version of each region that ``changes`` change, and widen what days it reaches."""
    for region, days in _days_by_region(change.key for change in changes).items():
        first, last = days[0], days[-1]
        connection.execute(
            update(Region)
            .where(Region.code == region)
            .values(
                version=Region.version + 1,
                first_day=case((Region.first_day < first, Region.first_day), else_=first),
                last_day=case((Region.last_day > last, Region.last_day), else_=last),
            )
        )
