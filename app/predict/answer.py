"""Putting a forecast into the words of the contract."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection

from app.forecasting.forecaster import Forecast
from app.predict import schemas
from app.predict.baseline import forecast_baseline
from app.predict.market import MarketCache
from app.predict.records import TrackRecord
from app.predict.selection import Choice
from app.repository.history import ObservedDay
from app.repository.regions import RegionState

DECIMALS = 2

ForecastRow = tuple[Forecast, int]  # a forecast of many tracks, and which of them


@dataclass(frozen=True)
class Answerable:
    """A track that can be forecast, and the model for it."""

    record: TrackRecord
    choice: Choice

    @property
    def model_name(self) -> str:
        """Of the model that answers."""
        return "baseline" if self.choice.model is None else self.choice.model.bundle.name


def build_prediction(
    connection: Connection,
    cache: MarketCache,
    region: RegionState,
    asked: schemas.PredictRequest | schemas.BatchRequest,
    *,
    answerable: Answerable,
    as_of: dt.date,
    forecast: ForecastRow | None,
) -> schemas.Prediction:
    """The answer for one track; ``forecast`` is None for the baseline."""
    record = answerable.record
    facts, last = record.facts, record.entries[-1]
    baseline = forecast_baseline(connection, cache, region, last=last, as_of=as_of, horizon=asked.horizon)
    if forecast is None:
        factors = cache.interval_factors(connection, region, as_of=as_of, horizon=asked.horizon)
        days = [_baseline_day(v, factors[i], asked.levels) for i, v in enumerate(baseline)]
    else:
        days = [_model_day(forecast, step, asked.levels) for step in range(asked.horizon)]
    return schemas.Prediction(
        track_id=facts.track_id,
        track_name=facts.track_name,
        artist=facts.artist,
        region=region.code,
        as_of=as_of,
        last_observed=last.date,
        observed_days=record.observed_days,
        model=_used_model(answerable, asked.model),
        metadata_used=answerable.model_name == "multi_input" and facts.has_metadata,
        forecasts=[
            schemas.DayForecast(
                target_date=as_of + dt.timedelta(days=step + 1),
                horizon=step + 1,
                streams=round(streams, DECIMALS),
                intervals=intervals,
                baseline_streams=round(baseline[step], DECIMALS),
            )
            for step, (streams, intervals) in enumerate(days)
        ],
        history=_history(record.entries, as_of, asked.include_history),
    )


def _used_model(answerable: Answerable, requested: schemas.ModelName) -> schemas.UsedModel:
    model = answerable.choice.model
    return schemas.UsedModel.model_validate(
        {
            "name": answerable.model_name,
            "version": None if model is None else model.bundle.version,
            "requested": requested,
            "reason": answerable.choice.reason,
        }
    )


def _model_day(forecast: ForecastRow, step: int, levels: list[int]) -> tuple[float, list[schemas.Interval]]:
    values, row = forecast
    bounds = [values.interval(level) for level in levels]
    intervals = [
        _interval(level, float(lower[row, step]), float(upper[row, step]))
        for level, (lower, upper) in zip(levels, bounds, strict=True)
    ]
    return float(values.median[row, step]), intervals


def _baseline_day(
    streams: float, factors: dict[int, tuple[float, float]], levels: list[int]
) -> tuple[float, list[schemas.Interval]]:
    return streams, [_interval(level, *(streams * f for f in factors[level])) for level in levels]


def _interval(level: int, lower: float, upper: float) -> schemas.Interval:
    return schemas.Interval(level=level, lower=round(lower, DECIMALS), upper=round(upper, DECIMALS))


def _history(entries: list[ObservedDay], as_of: dt.date, days: int) -> list[schemas.HistoryDay]:
    first_day = as_of - dt.timedelta(days=days)
    return [
        schemas.HistoryDay(date=entry.date, streams=entry.streams, position=entry.position)
        for entry in entries
        if entry.date > first_day
    ]
