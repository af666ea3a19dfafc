"""Putting a forecast into the words of the contract."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from app.forecasting.forecaster import Forecast
from app.predict import schemas
from app.predict.baseline import forecast_baseline
from app.predict.checks import Asked
from app.predict.market import MarketCache
from app.predict.selection import Choice
from app.repository.history import Entries
from app.repository.regions import RegionState
from app.repository.track_records import TrackRecord

DECIMALS = 2

Day = tuple[float, list[tuple[int, float, float]]]  # streams; level, lower and upper bound of each interval
Fields = dict[str, Any]


@dataclass(frozen=True)
class Answerable:
    """A track that can be forecast, and the model for it."""

    record: TrackRecord
    choice: Choice

    @property
    def model_name(self) -> str:
        """Of the model that answers."""
        return "baseline" if self.choice.model is None else self.choice.model.bundle.name


@dataclass(frozen=True)
class Numbers:
    """What a model says of some tracks, as it goes into answers.

    Attributes:
        quantiles: Of the days asked for; plain floats, which cost a tenth of an array's to pick out.
            (tracks, horizon, levels)
        median: Its place among them.
        bounds: Of each level asked for: level, and the places of its lower and upper bound.
    """

    quantiles: list[list[list[float]]]
    median: int
    bounds: list[tuple[int, int, int]]

    @classmethod
    def of(cls, forecast: Forecast, asked: Asked) -> "Numbers":
        """The days and levels asked for."""
        return cls(
            forecast.quantiles[:, : asked.horizon].tolist(),
            forecast.quantile_levels.index(0.5),
            [(level, *forecast.bounds(level)) for level in asked.levels],
        )

    def day(self, row: int, step: int) -> Day:
        """The forecast of one track for one day."""
        quantiles = self.quantiles[row][step]
        return quantiles[self.median], [
            (level, quantiles[low], quantiles[high]) for level, low, high in self.bounds
        ]


def build_prediction(
    connection: Connection,
    cache: MarketCache,
    region: RegionState,
    asked: Asked,
    *,
    answerable: Answerable,
    as_of: dt.date,
    forecast: tuple[Numbers, int] | None,
    presence: Sequence[Fields] | None,
) -> schemas.Prediction:
    """The answer for one track; ``forecast`` (of many tracks, and which of them) is None for the baseline.

    ``presence`` has more fields of the first days ahead; None where it was not asked for.
    """
    record, steps = answerable.record, range(asked.horizon)
    baseline = forecast_baseline(
        connection, cache, region, entries=record.entries, as_of=as_of, horizon=asked.horizon
    )
    if forecast is None:
        factors = cache.interval_factors(connection, region, as_of=as_of, horizon=asked.horizon)
        days = [_baseline_day(baseline[step], factors[step], asked.levels) for step in steps]
    else:
        numbers, row = forecast
        days = [numbers.day(row, step) for step in steps]
    forecasts = [_forecast_day(as_of, step, days[step], baseline[step]) for step in steps]
    if presence is not None:
        for fields, more in zip(forecasts, presence, strict=False):  # which has the first 7 days alone
            fields |= more
    # Checked once, as a whole: a model built of models costs three times as much.
    return schemas.Prediction.model_validate(
        {
            "track_id": record.facts.track_id,
            "track_name": record.facts.track_name,
            "artist": record.facts.artist,
            "region": region.code,
            "as_of": as_of,
            "last_observed": record.entries.days[-1],
            "observed_days": record.observed_days,
            "model": _used_model(answerable, asked.model),
            "metadata_used": answerable.model_name == "multi_input" and record.facts.has_metadata,
            "forecasts": forecasts,
            "history": _history(record.entries, as_of, asked.include_history),
        }
    )


def _used_model(answerable: Answerable, requested: schemas.ModelName) -> Fields:
    model = answerable.choice.model
    return {
        "name": answerable.model_name,
        "version": None if model is None else model.bundle.version,
        "requested": requested,
        "reason": answerable.choice.reason,
    }


def _baseline_day(streams: float, factors: dict[int, tuple[float, float]], levels: list[int]) -> Day:
    return streams, [(level, streams * factors[level][0], streams * factors[level][1]) for level in levels]


def _forecast_day(as_of: dt.date, step: int, day: Day, baseline: float) -> Fields:
    streams, bounds = day
    return {
        "target_date": as_of + dt.timedelta(days=step + 1),
        "horizon": step + 1,
        "streams": round(streams, DECIMALS),
        "intervals": [
            {"level": level, "lower": round(lower, DECIMALS), "upper": round(upper, DECIMALS)}
            for level, lower, upper in bounds
        ],
        "baseline_streams": round(baseline, DECIMALS),
    }


def _history(entries: Entries, as_of: dt.date, days: int) -> list[Fields]:
    if not days:
        return []
    first_day = as_of - dt.timedelta(days=days)
    return [
        {"date": day, "streams": streams, "position": position}
        for day, streams, position in zip(*entries, strict=True)
        if day > first_day
    ]
