"""How a model did in a region up to a day: what that makes of its intervals, and if ``auto`` trusts it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from app.database import Database
from app.forecasting.baseline_intervals import SCORED_DAYS
from app.forecasting.calibration import fit_factors
from app.forecasting.gate import Verdict, judge
from app.forecasting.history import Floats
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.past import ChartForecast, Outcomes, score_forecasts, sum_errors
from app.model_store import RunningModel
from app.predict.issuing import RegionDays, issue_forecasts, read_days
from app.predict.kept import Kept, Key, key_of
from app.repository.history import read_last_chart_days
from app.repository.issued_forecasts import Issuer, insert_issued_forecasts, read_issued_forecasts
from app.repository.regions import RegionState

MOST_KEPT = 1000  # (region, day, model) kept in memory, a few KB each


@dataclass(frozen=True)
class Past:
    """What a region's past says of a model on a day.

    Attributes:
        factors: Of its bounds (``fit_factors``); None where there is nothing to go by.
        verdict: Whether ``auto`` trusts it.
    """

    factors: Floats | None
    verdict: Verdict


class _Unwritten(NamedTuple):
    region: RegionState
    issuer: Issuer
    forecasts: dict[dt.date, ChartForecast]


class PastForecasts:
    """The past of every model in every region, as of any day.

    It goes by forecasts of days up to ``as_of`` that the weights never learned from, each made as of its own
    day and kept in the store; those that lack there are made when first wanted.
    """

    def __init__(self) -> None:
        self._kept: Kept[Past] = Kept(MOST_KEPT)
        self._lock = Lock()
        self._unwritten: list[_Unwritten] = []

    def find(self, region: RegionState, *, model: RunningModel, as_of: dt.date) -> Past | None:
        """What ``read`` gives, where it is at hand."""
        return self._kept.find(key_of(region, model, as_of))

    def read(
        self,
        connection: Connection,
        region: RegionState,
        market: MarketCovariates,
        *,
        model: RunningModel,
        as_of: dt.date,
    ) -> Past:
        """The past of a model in a region up to ``as_of``."""
        key = key_of(region, model, as_of)
        return self._kept.get(key, lambda: self._look_back(_LookBack(connection, key, market, model)))

    def _look_back(self, look_back: "_LookBack") -> Past:
        past, made = look_back.run()
        if made:
            with self._lock:
                self._unwritten.append(_Unwritten(look_back.region, look_back.issuer, made))
        return past

    def write(self, database: Database) -> None:
        """Store the forecasts made since the last time, where the store can be written to at once.

        To be called outside ``database.read()``: a request that held one connection and waited for a second
        could wait for ever. What is not stored is made again when another process or day wants it.
        """
        if not self._unwritten:
            return
        with self._lock:
            unwritten, self._unwritten = self._unwritten, []
        for region, issuer, forecasts in unwritten:
            database.write_if_free(
                lambda connection, region=region, issuer=issuer, forecasts=forecasts: (  # type: ignore[misc]
                    insert_issued_forecasts(connection, region.code, region.version, issuer, forecasts)
                )
            )


class _LookBack:
    """One look back on the last scored days."""

    def __init__(
        self, connection: Connection, key: Key, market: MarketCovariates, model: RunningModel
    ) -> None:
        self.connection = connection
        self.region, self.as_of, self.issuer = key
        self.market = market
        self.model = model
        self.bundle = model.bundle

    def run(self) -> tuple[Past, dict[dt.date, ChartForecast]]:
        """The past, and the forecasts that had to be made for it."""
        cutoffs, targets = self._days()
        if not cutoffs:
            return self._sum_up({}, Outcomes((), np.empty((0, 0)))), {}
        kept = read_issued_forecasts(self.connection, self.region.code, self.issuer, cutoffs)
        missing = [day for day in cutoffs if day not in kept]
        back = dt.timedelta(days=self.model.forecaster.grid_length - 1)
        first_day = min([targets[0], cutoffs[0], *(day - back for day in missing[:1])])
        days = read_days(self.connection, self.region, first_day, self.as_of)
        made = issue_forecasts(
            self.connection, self.region, days, missing, market=self.market, forecaster=self.model.forecaster
        )
        by_column = {days.column(day): forecast for day, forecast in (kept | made).items() if day in cutoffs}
        return self._sum_up(by_column, Outcomes(days.track_ids, _only(days, targets))), made

    def _days(self) -> tuple[list[dt.date], list[dt.date]]:
        """The cutoffs to forecast from, and the target days that count."""
        learned = self.bundle.learned_through(self.region.code) or ""
        if str(self.as_of) <= learned:
            return [], []
        horizon = self.bundle.spec.horizon
        charts = read_last_chart_days(self.connection, self.region.code, self.as_of, SCORED_DAYS + horizon)
        targets = [day for day in charts[-SCORED_DAYS:] if str(day) > learned]
        ahead = [dt.timedelta(days=step) for step in range(1, horizon + 1)]
        wanted = set(targets)
        return [day for day in charts if any(day + step in wanted for step in ahead)], targets

    def _sum_up(self, forecasts: dict[int, ChartForecast], outcomes: Outcomes) -> Past:
        spec, residuals = self.bundle.spec, self.bundle.residuals
        levels = spec.quantile_levels
        prior = self.model.error_ratio(self.region.code) if residuals is None else residuals.error_ratio
        verdict = judge(sum_errors(forecasts, outcomes, levels), prior)
        if not forecasts and residuals is None:
            return Past(None, verdict)
        scores = score_forecasts(forecasts, outcomes, levels)
        return Past(fit_factors(scores, levels, spec.horizon, residuals), verdict)


def _only(days: RegionDays, targets: Sequence[dt.date]) -> Floats:
    """The streams of the days that count, NaN on the others. (tracks, days)"""
    streams = np.full_like(days.streams, np.nan)
    columns = [days.column(day) for day in targets]
    streams[:, columns] = days.streams[:, columns]
    return streams
