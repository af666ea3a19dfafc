"""Forecasts of whole charts as of their own days: kept, read, and forgotten where their past changes."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, delete, select

from app.forecasting.past import ChartForecast, read_chart_forecast
from app.models import IssuedForecast, Region
from app.repository.chart_change import ChartChange
from app.repository.upsert import overwrite, upsert_rows


class Issuer(NamedTuple):
    """A model's weights, as of which forecasts are kept."""

    model: str
    version: int
    weights: str


_OF_ISSUER = (
    IssuedForecast.region == bindparam("region"),
    IssuedForecast.model == bindparam("model"),
    IssuedForecast.version == bindparam("version"),
    IssuedForecast.weights == bindparam("weights"),
)
_PERIOD = IssuedForecast.cutoff.between(bindparam("first_day"), bindparam("last_day"))
_KEPT = select(IssuedForecast.cutoff, IssuedForecast.forecast).where(*_OF_ISSUER, _PERIOD)
_OUTDATED = delete(IssuedForecast).where(
    IssuedForecast.region == bindparam("region"), IssuedForecast.cutoff >= bindparam("first_day")
)
_VERSION = select(Region.version).where(Region.code == bindparam("region"))


def read_issued_forecasts(
    connection: Connection, region: str, issuer: Issuer, cutoffs: Sequence[dt.date]
) -> dict[dt.date, ChartForecast]:
    """Those that are kept, between the first and the last of ``cutoffs`` (which rise)."""
    period = {"first_day": cutoffs[0], "last_day": cutoffs[-1]}
    rows = connection.execute(_KEPT, {"region": region, **issuer._asdict(), **period})
    return {cutoff: read_chart_forecast(content) for cutoff, content in rows}


def insert_issued_forecasts(
    connection: Connection,
    region: str,
    region_version: int,
    issuer: Issuer,
    forecasts: Mapping[dt.date, ChartForecast],
) -> None:
    """Keep forecasts; those that are kept already stay, and none is where the region has changed since.

    Args:
        connection: Inside a write transaction.
        region: Whose charts were forecast.
        region_version: The version of its charts that the forecasts were made from.
        issuer: What made them.
        forecasts: By cutoff.

    Raises:
        sqlalchemy.exc.OperationalError: an upload to the region is under way (on Postgres).
    """
    # An upload holds this lock; what it changes may be what these forecasts were made from.
    unchanged = _VERSION.with_for_update(read=True, nowait=True)
    if connection.scalar(unchanged, {"region": region}) != region_version:
        return
    columns = ("region", *Issuer._fields, "cutoff", "forecast")
    rows = ((region, *issuer, cutoff, forecasts[cutoff].to_bytes()) for cutoff in sorted(forecasts))
    upsert_rows(connection, IssuedForecast, columns, rows, merge=overwrite())


def delete_outdated_forecasts(connection: Connection, changes: Iterable[ChartChange]) -> None:
    """Forget the forecasts that were made from, or on, days that ``changes`` change: later ones as well."""
    first: dict[str, dt.date] = {}
    for change in changes:
        first[change.region] = min(change.date, first.get(change.region, change.date))
    for region, day in sorted(first.items()):
        connection.execute(_OUTDATED, {"region": region, "first_day": day})
