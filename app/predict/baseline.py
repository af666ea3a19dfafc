"""The chart_weekday baseline of a track in the store."""

import datetime as dt

from sqlalchemy import Connection

from app.predict.market import MarketCache
from app.repository.history import Entries
from app.repository.regions import RegionState


def forecast_baseline(
    connection: Connection,
    cache: MarketCache,
    region: RegionState,
    *,
    entries: Entries,
    as_of: dt.date,
    horizon: int,
) -> list[float]:
    """Streams of the days after ``as_of`` by the baseline, for a track with ``entries``. (horizon,)"""
    last, streams = entries.days[-1], entries.streams[-1]
    targets = [as_of + dt.timedelta(days=step) for step in range(1, horizon + 1)]
    return [
        streams * cache.growth(connection, region, last=last, target=target, as_of=as_of)
        for target in targets
    ]
