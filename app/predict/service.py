"""From a request to forecasts: read each track's history, make windows, run the models, answer."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, cast

import numpy as np
from sqlalchemy import Connection

from app.errors import ChartcastError, NotFoundError
from app.forecasting.calibration import calibrate
from app.forecasting.forecaster import Forecast
from app.forecasting.long_range import roll
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.recursion import blend_with_recursive
from app.forecasting.rolling import count_blocks
from app.forecasting.sample_paths import draw_scores
from app.forecasting.track_covariates import LEAD_IN
from app.model_store import ModelStore, RunningModel, RunningRowModel
from app.observability.metrics import count_forecasts
from app.predict import schemas
from app.predict.answer import Answerable, Fields, Numbers, build_prediction
from app.predict.checks import BASELINE_CONTEXT, Asked, check_as_of, check_levels, check_recent
from app.predict.market import MarketCache
from app.predict.past import Past, PastForecasts
from app.predict.presence import find_head, forecast_presence
from app.predict.records import build_history, read_records
from app.predict.rolled import RolledMarkets
from app.predict.selection import Choice, Models, heed_past, select_model
from app.repository.regions import RegionState
from app.repository.track_records import TrackRecord

Outcome = schemas.Prediction | ChartcastError


class NotAtHandError(Exception):
    """What an answer draws on has to be looked up or made first."""


class _NothingMore:
    """Stands where a connection would, for what may draw on nothing but what is at hand."""

    def __getattr__(self, name: str) -> NoReturn:
        raise NotAtHandError


_NOTHING_MORE = cast(Connection, _NothingMore())


@dataclass(frozen=True)
class Predictor:
    """What every prediction draws on.

    Attributes:
        store: The models being served.
        cache: The regions' markets.
        past: How the models did in the regions.
        rolled: The regions' markets, rolled on by the models.
        default_region: The region meant where a request names none.
    """

    store: ModelStore
    cache: MarketCache
    past: PastForecasts
    rolled: RolledMarkets
    default_region: str | None

    def predict(self, connection: Connection, request: schemas.PredictRequest) -> schemas.Prediction:
        """Forecast one track.

        Raises:
            ChartcastError: 404, 409 or 422, as the contract says.
        """
        outcome = self.predict_batch(connection, [request], request)[0]
        if isinstance(outcome, ChartcastError):
            raise outcome
        return outcome

    def predict_batch(
        self,
        connection: Connection,
        items: Sequence[schemas.BatchItem | schemas.PredictRequest],
        asked: Asked,
        *,
        at_hand: bool = False,
    ) -> list[Outcome]:
        """Forecast many tracks: a forecast or an error for each, in their order.

        Args:
            connection: To the store.
            items: The tracks.
            asked: What is asked of all of them.
            at_hand: Only if all else is at hand that is needed beside a statement for each region. Such
                a statement sees one state of the store, so there need be no transaction.

        Raises:
            NotAtHandError: it is not.
        """
        models = self.store.models  # one state for the whole request: a reload may come in between
        outcomes: dict[int, Outcome] = {}
        by_region: dict[str | None, list[int]] = defaultdict(list)
        for i, item in enumerate(items):
            by_region[item.region].append(i)
        for code, indices in by_region.items():
            track_ids = sorted({items[i].track_id for i in indices})
            try:
                region, records = read_records(
                    connection,
                    code,
                    self.default_region,
                    track_ids,
                    as_of=asked.as_of,
                    days=_count_days(models, asked),
                )
                more = _NOTHING_MORE if at_hand else connection
                batch = _RegionBatch(more, self, models, region, asked, at_hand=at_hand)
            except ChartcastError as error:
                outcomes |= dict.fromkeys(indices, _as_outcome(error))
            else:
                of_region = batch.predict(track_ids, records)
                outcomes |= {i: of_region[items[i].track_id] for i in indices}
        return [outcomes[i] for i in range(len(items))]


def _count_days(models: Models, asked: Asked) -> int:
    """How many days of a track's history an answer may draw on."""
    contexts = [model.bundle.spec.context_length for model in models.values()]
    return max(LEAD_IN + max([BASELINE_CONTEXT, *contexts]), asked.include_history)


def _as_outcome(error: ChartcastError) -> ChartcastError:
    """The error as a value: its traceback holds the frame, and with it the outcomes, that hold the error."""
    return error.with_traceback(None)


class _RegionBatch:
    """The part of a batch that lies in one region: read in bulk, one inference a model and day ahead."""

    def __init__(
        self,
        connection: Connection,
        on: Predictor,
        models: Models,
        region: RegionState,
        asked: Asked,
        *,
        at_hand: bool,
    ) -> None:
        self.connection = connection
        self.cache = on.cache
        self.past = on.past
        self.rolled = on.rolled
        self.models = models
        self.region = region
        self.asked = asked
        self.at_hand = at_hand
        self.as_of = check_as_of(asked.as_of, region)
        self.choices: dict[bool, Choice] = {}  # by whether the track has metadata
        self.head = find_head(on.store.row_models) if asked.include_presence else None
        self.presence: dict[str, list[Fields]] = {}

    def predict(self, track_ids: Sequence[str], records: Mapping[str, TrackRecord]) -> dict[str, Outcome]:
        """An outcome for each of the tracks; of those that had not charted there is no record."""
        outcomes: dict[str, Outcome] = {}
        by_model: dict[str, list[Answerable]] = defaultdict(list)
        for track_id in track_ids:
            try:
                answerable = self._choose_model(track_id, records.get(track_id))
            except ChartcastError as error:
                outcomes[track_id] = _as_outcome(error)
            else:
                by_model[answerable.model_name].append(answerable)
        if self.head is not None:
            self.presence = self._forecast_presence(
                self.head, [a for group in by_model.values() for a in group]
            )
        for group in by_model.values():
            outcomes |= self._answer(group)
        for group in by_model.values():  # last: what is not at hand is asked for, and counted, once more
            self._count(group)
        return outcomes

    def _choose_model(self, track_id: str, record: TrackRecord | None) -> Answerable:
        if record is None:
            raise NotFoundError(
                f"Track {track_id} has not charted in {self.region.code} up to {self.as_of}; "
                f"GET /tracks?region={self.region.code} lists those that have."
            )
        choice = self._choose(has_metadata=record.facts.has_metadata)
        check_recent(record, choice, region=self.region.code, as_of=self.as_of)
        return Answerable(record, choice)

    def _choose(self, *, has_metadata: bool) -> Choice:
        """The model for a track with metadata, or without."""
        if has_metadata not in self.choices:
            region = self.region.code
            choice = select_model(self.models, self.asked.model, region=region, has_metadata=has_metadata)
            if self.asked.model == "auto" and choice.model is not None:
                choice = heed_past(choice, self._read_past(choice.model).verdict, region=region)
            check_levels(choice, self.asked)
            self.choices[has_metadata] = choice
        return self.choices[has_metadata]

    def _answer(self, group: Sequence[Answerable]) -> dict[str, Outcome]:
        """The answers for tracks that one model forecasts."""
        forecast = self._forecast(group)
        numbers = None if forecast is None else Numbers.of(forecast, self.asked)
        return {
            answerable.record.facts.track_id: build_prediction(
                self.connection,
                self.cache,
                self.region,
                self.asked,
                answerable=answerable,
                as_of=self.as_of,
                forecast=None if numbers is None else (numbers, row),
                presence=self.presence.get(answerable.record.facts.track_id),
            )
            for row, answerable in enumerate(group)
        }

    def _count(self, group: Sequence[Answerable]) -> None:
        model = group[0].choice.model
        version = None if model is None else model.bundle.version
        count_forecasts(group[0].model_name, version, self.asked.model, len(group))

    def _forecast(self, group: Sequence[Answerable]) -> Forecast | None:
        model = group[0].choice.model
        if model is None:
            return None
        records = [answerable.record for answerable in group]
        artists = (
            self.cache.chart_artists(self.connection, self.region, self.as_of)
            if model.bundle.spec.artist_covariates
            else None
        )
        length = model.forecaster.grid_length
        history = build_history(records, as_of=self.as_of, length=length, artists=artists)
        forecast = model.forecaster.forecast(history, self._read_market())
        week = min(self.asked.horizon, model.bundle.spec.horizon)
        if self.asked.horizon > 1:
            rolled = self._read_rolled(model)
            forecast = blend_with_recursive(model.forecaster, history, rolled, forecast, week)
        factors = self._read_past(model).factors
        observed_days = np.array([record.observed_days for record in records])
        if factors is not None:
            forecast = calibrate(forecast, observed_days, factors)
        if self.asked.horizon <= week:
            return forecast
        region, as_of = self.region.code, str(self.as_of)
        track_ids = [record.facts.track_id for record in records]
        return roll(
            model.forecaster,
            history,
            rolled,
            forecast,
            horizon=self.asked.horizon,
            scores=draw_scores(region, as_of, track_ids, count_blocks(model.bundle.spec)),
            observed_days=observed_days,
            factors=factors,
        )

    def _forecast_presence(
        self, head: RunningRowModel, group: Sequence[Answerable]
    ) -> dict[str, list[Fields]]:
        """More fields of each day ahead, by track: one inference, whichever models forecast their streams."""
        records = [answerable.record for answerable in group]
        market = self._read_market()
        return forecast_presence(
            self.connection, self.cache, self.region, head, market, records=records, as_of=self.as_of
        )

    def _read_market(self) -> MarketCovariates:
        return self.cache.covariates(self.connection, self.region)

    def _read_rolled(self, model: RunningModel) -> MarketCovariates:
        known = self.rolled.find(self.region, model=model, as_of=self.as_of)
        if known is not None:
            return known
        if self.at_hand:
            raise NotAtHandError
        return self.rolled.read(self.connection, self.region, model=model, as_of=self.as_of)

    def _read_past(self, model: RunningModel) -> Past:
        known = self.past.find(self.region, model=model, as_of=self.as_of)
        if known is not None:
            return known
        if self.at_hand:  # else another request's look back might be waited for
            raise NotAtHandError
        return self.past.read(
            self.connection, self.region, self._read_market(), model=model, as_of=self.as_of
        )
