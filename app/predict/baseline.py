"""The chart_weekday baseline of a track in the store."""

import datetime as dt

from sqlalchemy import Connection

from app.forecasting.market import chart_weekday
from app.predict.market import MarketCache
from app.repository.history import ObservedDay
from app.repository.regions import RegionState


def forecast_baseline(
    connection: Connection,
    cache: MarketCache,
    region: RegionState,
    *,
    last: ObservedDay,
    as_of: dt.date,
    horizon: int,
) -> list[float]:
    """Streams of the days after ``as_of`` by the baseline. (horizon,)"""
    targets = [as_of + dt.timedelta(days=step) for step in range(1, horizon + 1)]
    return [
        chart_weekday(
            last.streams, cache.weekly_ratios(connection, region, last=last.date, target=target, as_of=as_of)
        )
        for target in targets
    ]
