"""What forecasts beyond a model's direct horizon draw on: the region's market, rolled on by the model."""

import datetime as dt
from threading import Lock

from sqlalchemy import Connection

from app.calendar import build_calendar
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.rolling import CALENDAR_AFTER, roll_market
from app.model_store import RunningModel
from app.predict.issuing import read_last_chart
from app.predict.market import read_market
from app.predict.past import Key, key_of
from app.repository.regions import RegionState

MOST_KEPT = 20  # (region, day, model), some 300 KB each for four years of charts


class RolledMarkets:
    """Markets rolled on. What is kept goes by the region's version: it is never stale."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[Key, MarketCovariates] = {}

    def read(
        self, connection: Connection, region: RegionState, *, model: RunningModel, as_of: dt.date
    ) -> MarketCovariates:
        """The region's shared channels up to ``as_of``, and on the days after it as the model has them."""
        key = key_of(region, model, as_of)
        if (known := self._kept.get(key)) is not None:
            return known
        with self._lock:  # of many first requests at once one does the work
            if (known := self._kept.get(key)) is None:
                known = _roll(connection, region, model, as_of)
                if len(self._kept) >= MOST_KEPT:
                    self._kept.clear()
                self._kept[key] = known
            return known


def _roll(
    connection: Connection, region: RegionState, model: RunningModel, as_of: dt.date
) -> MarketCovariates:
    chart = read_last_chart(connection, region, as_of, model.forecaster.grid_length)
    market = read_market(connection, region, as_of)
    calendar = build_calendar(region.code, region.first_day, as_of + dt.timedelta(days=CALENDAR_AFTER))
    return roll_market(model.forecaster, chart, market, calendar)
