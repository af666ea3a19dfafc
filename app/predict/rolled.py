"""What forecasts beyond the next day draw on: the region's market, rolled on by the model."""

import datetime as dt
from threading import Lock

from sqlalchemy import Connection

from app.calendar import build_calendar
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.rolling import CALENDAR_AFTER, days_at_a_time, roll_chart
from app.model_store import RunningModel
from app.predict.issuing import read_last_chart
from app.predict.market import read_market
from app.predict.past import Key, key_of
from app.repository.regions import RegionState

MOST_KEPT = 300  # (region, day, model), some 20 KB each


class RolledMarkets:
    """Markets rolled on. What is kept goes by the region's version: it is never stale."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[Key, MarketCovariates] = {}
        self._under_way: dict[Key, Lock] = {}

    def find(self, region: RegionState, *, model: RunningModel, as_of: dt.date) -> MarketCovariates | None:
        """What ``read`` gives, if it is at hand."""
        return self._kept.get(key_of(region, model, as_of))

    def read(
        self, connection: Connection, region: RegionState, *, model: RunningModel, as_of: dt.date
    ) -> MarketCovariates:
        """The region's shared channels of the days before ``as_of``, and after it as the model has them."""
        key = key_of(region, model, as_of)
        with self._lock:
            if key in self._kept:
                return self._kept[key]
            under_way = self._under_way.setdefault(key, Lock())
        with under_way:  # of many first requests at once one does the work
            with self._lock:
                known = self._kept.get(key)
            try:
                return self._keep(key, _roll(connection, region, model, as_of)) if known is None else known
            finally:
                with self._lock:
                    self._under_way.pop(key, None)

    def _keep(self, key: Key, market: MarketCovariates) -> MarketCovariates:
        with self._lock:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = market
        return market


def _roll(
    connection: Connection, region: RegionState, model: RunningModel, as_of: dt.date
) -> MarketCovariates:
    chart = read_last_chart(connection, region, as_of, model.forecaster.grid_length)
    market = read_market(connection, region, as_of)
    calendar = build_calendar(region.code, region.first_day, as_of + dt.timedelta(days=CALENDAR_AFTER))
    steps = days_at_a_time(model.bundle.spec)
    rolled = roll_chart(model.forecaster, chart, market, calendar, steps).market
    return rolled.last(model.forecaster.grid_length + sum(steps))
