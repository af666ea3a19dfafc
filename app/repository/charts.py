"""Charts by region and day: reading them, and putting in what an upload changes."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from sqlalchemy import Connection, Date, bindparam, case, delete, insert, select, update

from app.models import ChartDay, Correction, DailyStreams, Region
from app.repository.chart_change import Chart, ChartChange, DayKey, Entry, build_chart
from app.repository.chart_rows import COLUMNS, insert_rows, sort_rows
from app.repository.upsert import execute_many, in_batches, overwrite, upsert_rows

Movements = Mapping[DayKey, float | None]  # the market movement of days, worked out again
_SUMS = ("tracks", "total_streams", "min_streams", "movement", "batch_id")
_LOCK = (
    select(Region.code)
    .where(Region.code.in_(bindparam("codes", expanding=True)))
    .order_by(Region.code)
    .with_for_update()
)
_CHARTS = (
    select(DailyStreams.date, DailyStreams.track_id, DailyStreams.position, DailyStreams.streams)
    .where(DailyStreams.region == bindparam("region"))
    .where(DailyStreams.date.in_(bindparam("days", expanding=True)))
    .order_by(DailyStreams.date)
)
_INSERT_CORRECTION = insert(Correction)
_DELETE_ROW = delete(DailyStreams).where(
    DailyStreams.region == bindparam("in_region"),
    DailyStreams.track_id == bindparam("of_track"),
    DailyStreams.date == bindparam("on_day"),
)
_MOVE = (
    update(ChartDay)
    .where(ChartDay.region == bindparam("in_region"), ChartDay.date == bindparam("on_day"))
    .values(movement=bindparam("moved"))
)
_FIRST, _LAST = bindparam("first", type_=Date), bindparam("last", type_=Date)
_NEW_VERSION = (
    update(Region)
    .where(Region.code == bindparam("region"))
    .values(
        version=Region.version + 1,
        first_day=case((Region.first_day < _FIRST, Region.first_day), else_=_FIRST),
        last_day=case((Region.last_day > _LAST, Region.last_day), else_=_LAST),
    )
)


def lock_regions(connection: Connection, codes: Iterable[str]) -> None:
    """Make the regions where they are new, and keep other uploads to them waiting.

    In code order, so that two uploads cannot wait for each other. On SQLite the transaction itself
    (``BEGIN IMMEDIATE``) keeps them out already.
    """
    ordered = sorted(codes)
    upsert_rows(connection, Region, ("code", "version"), [(code, 0) for code in ordered], merge=overwrite())
    if connection.dialect.name != "sqlite":
        connection.execute(_LOCK, {"codes": ordered})


def read_charts(connection: Connection, keys: Collection[DayKey]) -> dict[DayKey, Chart]:
    """The stored charts among ``keys``, whole; days without one are left out."""
    charts: dict[DayKey, Chart] = {}
    for region, days in _days_by_region(keys).items():
        for batch in in_batches(days, size=100):
            rows = connection.execute(_CHARTS, {"region": region, "days": batch}).all()
            for day, of_day in groupby(rows, key=itemgetter(0)):
                _, *columns = zip(*of_day, strict=True)
                charts[region, day] = build_chart(*columns)
    return charts


def _days_by_region(keys: Iterable[DayKey]) -> dict[str, list[dt.date]]:
    days: defaultdict[str, list[dt.date]] = defaultdict(list)
    for region, day in sorted(keys):
        days[region].append(day)
    return days


def write_chart_rows(connection: Connection, changes: Sequence[ChartChange]) -> None:
    """Put in, overwrite and take out the rows that ``changes``, by region and day, say: by primary key."""
    # The upload holds the lock of its regions: what was not there when it looked is not there now.
    insert_rows(connection, changes)
    updated = sort_rows((c, c.updated.keys()) for c in changes)
    upsert_rows(connection, DailyStreams, COLUMNS, updated, merge=overwrite("position", "streams"))
    _delete_rows(connection, changes)


def _delete_rows(connection: Connection, changes: Sequence[ChartChange]) -> None:
    rows = (
        {"in_region": change.region, "of_track": track_id, "on_day": change.date}
        for change in changes
        for track_id in sorted(change.removed)
    )
    execute_many(connection, _DELETE_ROW, rows)


def insert_corrections(connection: Connection, batch_id: int, changes: Sequence[ChartChange]) -> None:
    """Keep on record what was stored before ``changes`` overwrote or removed it."""
    rows = (
        _build_correction(batch_id, change, track_id, old)
        for change in changes
        for track_id, old in sorted((*change.updated.items(), *change.removed.items()))
    )
    execute_many(connection, _INSERT_CORRECTION, rows)


def _build_correction(batch_id: int, change: ChartChange, track_id: str, old: Entry) -> dict[str, Any]:
    new = change.after.entry(track_id) if track_id in change.after.streams else None
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


def upsert_chart_days(
    connection: Connection, batch_id: int, changes: Sequence[ChartChange], movements: Movements
) -> None:
    """Sum up the days that ``changes`` change, and put in the movement of those and of the days after."""
    sums = {change.key: _sum_up(change) for change in sorted(changes, key=attrgetter("key"))}
    rows = [(*key, *of_day, movements.get(key), batch_id) for key, of_day in sums.items()]
    upsert_rows(connection, ChartDay, ("region", "date", *_SUMS), rows, merge=overwrite(*_SUMS))
    after = sorted(movements.keys() - sums.keys())
    moved = ({"in_region": key[0], "on_day": key[1], "moved": movements[key]} for key in after)
    execute_many(connection, _MOVE, moved)


def _sum_up(change: ChartChange) -> tuple[int, int, int]:
    streams = change.after.streams.values()
    return len(streams), sum(streams), min(streams)


def update_regions(connection: Connection, changes: Iterable[ChartChange]) -> None:
    """Count a new version of each region that ``changes`` change, and widen what days it reaches."""
    for region, days in _days_by_region(change.key for change in changes).items():
        connection.execute(_NEW_VERSION, {"region": region, "first": days[0], "last": days[-1]})
