"""What forecasts beyond the next day draw on: the region's market, rolled on by the model."""

import datetime as dt

from sqlalchemy import Connection

from app.calendar import build_calendar
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.rolling import CALENDAR_AFTER, days_at_a_time, roll_chart
from app.model_store import RunningModel
from app.predict.issuing import read_last_chart
from app.predict.kept import Kept, key_of
from app.predict.market import read_market
from app.repository.regions import RegionState

MOST_KEPT = 300  # (region, day, model), some 20 KB each


class RolledMarkets:
    """Markets rolled on. What is kept goes by the region's version: it is never stale."""

    def __init__(self) -> None:
        self._kept: Kept[MarketCovariates] = Kept(MOST_KEPT)

    def find(self, region: RegionState, *, model: RunningModel, as_of: dt.date) -> MarketCovariates | None:
        """What ``read`` gives, where it is at hand."""
        return self._kept.find(key_of(region, model, as_of))

    def read(
        self, connection: Connection, region: RegionState, *, model: RunningModel, as_of: dt.date
    ) -> MarketCovariates:
        """The region's shared channels of the days before ``as_of``, and after it as the model has them."""
        return self._kept.get(key_of(region, model, as_of), lambda: _roll(connection, region, model, as_of))


def _roll(
    connection: Connection, region: RegionState, model: RunningModel, as_of: dt.date
) -> MarketCovariates:
    chart = read_last_chart(connection, region, as_of, model.forecaster.grid_length)
    market = read_market(connection, region, as_of)
    calendar = build_calendar(region.code, region.first_day, as_of + dt.timedelta(days=CALENDAR_AFTER))
    steps = days_at_a_time(model.bundle.spec)
    rolled = roll_chart(model.forecaster, chart, market, calendar, steps).market
    return rolled.last(model.forecaster.grid_length + sum(steps))
