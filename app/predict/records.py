"""What is read of tracks up to a cutoff, and how it becomes the histories that models take."""

import datetime as dt
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection

from app.forecasting.artists import ChartArtists
from app.forecasting.history import History, parse_release_day
from app.observability.tracing import traced
from app.repository.regions import RegionState, resolve_region
from app.repository.track_records import TrackRecord, read_track_records


@traced("database.read")
def read_records(
    connection: Connection,
    code: str | None,
    default: str | None,
    track_ids: Sequence[str],
    *,
    as_of: dt.date | None,
    days: int,
) -> tuple[RegionState, dict[str, TrackRecord]]:
    """The region that is meant, and of those tracks that had charted there by ``as_of`` the records.

    Args:
        connection: To the store.
        code: Of the region asked for, if one was.
        default: The one meant otherwise.
        track_ids: Of the tracks.
        as_of: None: the region's last day.
        days: How many days up to it their entries have to cover; they may reach further back.

    Raises:
        NotFoundError: the region has no charts.
        InvalidRequestError: none was named and there is no single one to take.
    """
    wanted = code or default or resolve_region(connection, None, None).code
    found = read_track_records(connection, wanted, track_ids, as_of=as_of, most=days)
    return found or (resolve_region(connection, wanted, None), {})


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
    n_tracks = len(records)
    streams, positions = grids = np.full((2, n_tracks, length), np.nan)
    observed_before = np.empty(n_tracks, dtype=np.int64)
    first_day = as_of.toordinal() - length + 1
    for row, (_, entries, observed_days) in enumerate(records):
        columns = [day.toordinal() - first_day for day in entries.days]
        inside = bisect_left(columns, 0)  # others may have been read for the answer's history
        grids[:, row, columns[inside:]] = entries.streams[inside:], entries.positions[inside:]
        observed_before[row] = observed_days - (len(columns) - inside)
    facts = [record.facts for record in records]
    companions = np.zeros((n_tracks, length, 2), dtype=np.float32)
    if artists is not None:  # a forecast looks at those of its cutoff alone
        companions[:, -1] = [artists.companions(known.track_id, known.artist) for known in facts]
    return History(
        cutoffs=np.full(n_tracks, as_of, dtype="datetime64[D]"),
        streams=streams,
        positions=positions,
        first_days=np.array([known.first_day for known in facts], dtype="datetime64[D]"),
        observed_before=observed_before,
        release_days=np.array([parse_release_day(known.release_date) for known in facts]),
        features=np.array([known.features for known in facts], dtype=float),
        companions=companions,
    )
