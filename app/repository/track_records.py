"""What a forecast is made from, in one statement: the region's state, its tracks' facts and last days.

One statement sees one state of the store, so a forecast whose other parts are at hand needs no transaction
around it, and costs PostgreSQL one round trip.
"""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Date, Integer, and_, bindparam, case, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from app.models import DailyStreams, Region, Track, TrackMetadata, TrackRegion
from app.repository.history import FACTS, Entries, TrackFacts
from app.repository.prepared import Prepared
from app.repository.regions import STATE, RegionState


class TrackRecord(NamedTuple):
    """What a region knew of a track that had charted there by a day.

    Attributes:
        facts: Over all its days, later ones included.
        entries: Its last days on the chart up to that day, of those read.
        observed_days: On how many it had charted by then, those not read included.
    """

    facts: TrackFacts
    entries: Entries
    observed_days: int


class _Lists(GenericFunction[str]):
    """Several columns as JSON: a list of each column's values in the order of the rows."""

    inherit_cache = True


@compiles(_Lists, "sqlite")
def _write_for_sqlite(lists: _Lists, compiler: SQLCompiler, **options: Any) -> str:
    columns = [compiler.process(column, **options) for column in lists.clauses]
    return f"json_array({', '.join(f'json_group_array({column})' for column in columns)})"


@compiles(_Lists, "postgresql")
def _write_for_postgres(lists: _Lists, compiler: SQLCompiler, **options: Any) -> str:
    columns = [compiler.process(column, **options) for column in lists.clauses]
    return f"CAST(json_build_array({', '.join(f'json_agg({column})' for column in columns)}) AS text)"


_AS_OF = func.coalesce(bindparam("as_of", type_=Date), Region.last_day)
_OF_TRACK = and_(
    DailyStreams.region == TrackRegion.region,
    DailyStreams.track_id == TrackRegion.track_id,
    DailyStreams.date <= _AS_OF,
)
# With a limit, so that both stores take the rows in this order, the latest first.
_LAST_ENTRIES = (
    select(DailyStreams.date, DailyStreams.streams, DailyStreams.position)
    .where(_OF_TRACK)
    .order_by(DailyStreams.date.desc())
    .limit(bindparam("most", type_=Integer))
    .correlate(Region, TrackRegion)
    .subquery()
)
_ENTRIES = select(_Lists(*_LAST_ENTRIES.c)).scalar_subquery()
_COUNT = select(func.count()).select_from(DailyStreams).where(_OF_TRACK).correlate(Region, TrackRegion)
_OBSERVED_DAYS = case((Region.last_day <= _AS_OF, TrackRegion.observed_days), else_=_COUNT.scalar_subquery())
_RECORDS = Prepared(
    select(*STATE, _OBSERVED_DAYS, _ENTRIES, *FACTS)
    .select_from(Region)
    .outerjoin(
        TrackRegion,
        and_(
            TrackRegion.region == Region.code,
            TrackRegion.track_id.in_(bindparam("track_ids", expanding=True)),
        ),
    )
    .outerjoin(Track, Track.track_id == TrackRegion.track_id)
    .outerjoin(TrackMetadata, TrackMetadata.track_id == TrackRegion.track_id)
    .where(Region.code == bindparam("code"), Region.last_day.is_not(None))
)
_N_STATE = len(STATE)


def read_track_records(
    connection: Connection, code: str, track_ids: Sequence[str], *, as_of: dt.date | None, most: int
) -> tuple[RegionState, dict[str, TrackRecord]] | None:
    """A region and those of ``track_ids`` that had charted there by a day.

    Args:
        connection: To the store; no transaction is needed.
        code: Of the region.
        track_ids: Of the tracks.
        as_of: The day; None: the region's last.
        most: How many of a track's last days on the chart to read.

    Returns:
        None where the region has no charts.
    """
    wanted = {"code": code, "track_ids": track_ids, "as_of": as_of, "most": most}
    rows = _RECORDS.rows(connection, wanted)
    if not rows:
        return None
    records = {}
    for row in rows:
        observed_days, entries, *facts = row[_N_STATE:]
        if observed_days:
            track = TrackFacts.of(facts)
            records[track.track_id] = TrackRecord(track, _parse_entries(entries), observed_days)
    return RegionState(*rows[0][:_N_STATE]), records


def _parse_entries(lists: str) -> Entries:
    days, *values = json.loads(lists)
    return Entries(tuple(map(dt.date.fromisoformat, days[::-1])), *(tuple(v[::-1]) for v in values))
