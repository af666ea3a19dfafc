"""What is read of tracks up to a cutoff, and how it becomes the histories that models take."""

import datetime as dt
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from app.forecasting.artists import ChartArtists
from app.forecasting.history import History, parse_release_day
from app.repository.history import (
    ObservedDay,
    TrackFacts,
    count_observed_days,
    read_observed_days,
    read_track_facts,
)
from app.repository.regions import RegionState


@dataclass(frozen=True)
class TrackRecord:
    """What a region knew of a track at a cutoff.

    Attributes:
        facts: Of the track; its ``last_day`` and ``observed_days`` count later days too.
        entries: Its days on the chart among those read, by day, none after the cutoff.
        observed_days: On how many days it had charted by then, those not read included.
    """

    facts: TrackFacts
    entries: list[ObservedDay]
    observed_days: int


def read_records(
    connection: Connection, region: RegionState, track_ids: Sequence[str], *, as_of: dt.date, days: int
) -> dict[str, TrackRecord]:
    """The records of the tracks that had charted by ``as_of``, with the entries of the ``days`` up to it."""
    if as_of < region.first_day:
        return {}
    facts = read_track_facts(connection, region.code, track_ids)
    counts = _count_observed_days(connection, region, facts, as_of)
    days = min(days, (as_of - region.first_day).days + 1)  # the calendar may not reach further back
    first_day = as_of - dt.timedelta(days=days - 1)
    first_day = max(first_day, min((known.first_day for known in facts.values()), default=first_day))
    entries: dict[str, list[ObservedDay]] = defaultdict(list)
    for entry in read_observed_days(connection, region.code, track_ids, first_day, as_of):
        entries[entry.track_id].append(entry)
    return {i: TrackRecord(facts[i], entries[i], count) for i, count in counts.items()}


def _count_observed_days(
    connection: Connection, region: RegionState, facts: dict[str, TrackFacts], as_of: dt.date
) -> dict[str, int]:
    if as_of == region.last_day:
        return {track_id: known.observed_days for track_id, known in facts.items()}
    return count_observed_days(connection, region.code, list(facts), as_of)


def build_history(
    records: Sequence[TrackRecord], *, as_of: dt.date, length: int, artists: ChartArtists | None = None
) -> History:
    """Lay records out on grids of ``length`` days up to ``as_of``.

    Args:
        records: Of the tracks.
        as_of: The cutoff.
        length: Days.
        artists: The cutoff's chart, for a model that wants a track's companions.
    """
    first_day = as_of.toordinal() - length + 1
    streams, positions = (np.full((len(records), length), np.nan) for _ in range(2))
    for row, record in enumerate(records):
        columns = [entry.date.toordinal() - first_day for entry in record.entries]
        known = bisect_left(columns, 0)  # what was read for the answer's history alone lies before it
        streams[row, columns[known:]] = [entry.streams for entry in record.entries[known:]]
        positions[row, columns[known:]] = [entry.position for entry in record.entries[known:]]
    facts = [record.facts for record in records]
    companions = np.zeros((len(records), length, 2), dtype=np.float32)
    if artists is not None:  # a forecast looks at those of its cutoff alone
        companions[:, -1] = [artists.companions(known.track_id, known.artist) for known in facts]
    return History(
        cutoffs=np.full(len(records), as_of, dtype="datetime64[D]"),
        streams=streams,
        positions=positions,
        first_days=np.array([known.first_day for known in facts], dtype="datetime64[D]"),
        observed_before=np.array([r.observed_days for r in records]) - np.isfinite(streams).sum(axis=1),
        release_days=np.array([parse_release_day(known.release_date) for known in facts]),
        features=np.array([known.features for known in facts], dtype=float),
        companions=companions,
    )
