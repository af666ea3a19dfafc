"""From a request to forecasts: read each track's history, make windows, run the models once, answer."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from app.errors import ChartcastError, ConflictError, InvalidRequestError, NotFoundError
from app.forecasting.forecaster import Forecast
from app.forecasting.history import History, parse_release_day
from app.forecasting.track_covariates import LEAD_IN
from app.model_store import ModelStore, RunningModel
from app.predict import schemas
from app.predict.answer import Answerable, build_prediction
from app.predict.market import MarketCache
from app.predict.selection import Choice, Models, select_model
from app.repository.history import (
    ObservedDay,
    TrackFacts,
    count_observed_days,
    read_observed_days,
    read_track_facts,
)
from app.repository.regions import RegionState, resolve_region

BASELINE_CONTEXT = 28  # days; a track off the chart for longer gets no forecast from any model
BASELINE_HORIZON = 7

Outcome = schemas.Prediction | ChartcastError


@dataclass(frozen=True)
class Predictor:
    """What every prediction draws on.

    Attributes:
        store: The models being served.
        cache: The regions' markets.
        default_region: The region meant where a request names none.
    """

    store: ModelStore
    cache: MarketCache
    default_region: str | None

    def predict(self, connection: Connection, request: schemas.PredictRequest) -> schemas.Prediction:
        """Forecast one track.

        Raises:
            ChartcastError: 404, 409 or 422, as the contract says.
        """
        item = schemas.BatchItem(track_id=request.track_id, region=request.region)
        outcome = self.predict_batch(connection, [item], request)[0]
        if isinstance(outcome, ChartcastError):
            raise outcome
        return outcome

    def predict_batch(
        self,
        connection: Connection,
        items: Sequence[schemas.BatchItem],
        asked: schemas.PredictRequest | schemas.BatchRequest,
    ) -> list[Outcome]:
        """Forecast many tracks: a forecast or an error for each, in their order."""
        outcomes: dict[int, Outcome] = {}
        by_region: dict[str | None, list[int]] = defaultdict(list)
        for i, item in enumerate(items):
            by_region[item.region].append(i)
        for code, indices in by_region.items():
            try:
                region = resolve_region(connection, code, self.default_region)
                track_ids = [items[i].track_id for i in indices]
                of_region = _RegionBatch(self, connection, region, asked).predict(track_ids)
            except ChartcastError as error:
                outcomes |= dict.fromkeys(indices, error)
            else:
                outcomes |= {i: of_region[items[i].track_id] for i in indices}
        return [outcomes[i] for i in range(len(items))]


class _RegionBatch:
    """The part of a batch that lies in one region: read in bulk, one inference a model."""

    def __init__(
        self,
        predictor: Predictor,
        connection: Connection,
        region: RegionState,
        asked: schemas.PredictRequest | schemas.BatchRequest,
    ) -> None:
        self.predictor = predictor
        self.models: Models = predictor.store.models
        self.connection = connection
        self.region = region
        self.asked = asked
        self.as_of = _check_as_of(asked.as_of, region)

    def predict(self, track_ids: Sequence[str]) -> dict[str, Outcome]:
        """An outcome for each of the tracks."""
        outcomes: dict[str, Outcome] = {}
        by_model: dict[str, list[Answerable]] = defaultdict(list)
        tracks = self._read(sorted(set(track_ids)))
        for track_id in tracks:
            try:
                answerable = self._check(track_id, *tracks[track_id])
                by_model[answerable.model_name].append(answerable)
            except ChartcastError as error:
                outcomes[track_id] = error
        for group in by_model.values():
            forecast = self._forecast(group)
            for row, answerable in enumerate(group):
                outcomes[answerable.facts.track_id] = build_prediction(
                    self.connection,
                    self.predictor.cache,
                    self.region,
                    self.asked,
                    answerable=answerable,
                    as_of=self.as_of,
                    forecast=None if forecast is None else (forecast, row),
                )
        return outcomes

    def _read(self, track_ids: list[str]) -> dict[str, tuple[TrackFacts | None, list[ObservedDay], int]]:
        """Facts, entries up to ``as_of`` and observed days up to it, for each track."""
        facts = read_track_facts(self.connection, self.region.code, track_ids)
        days_read = max(LEAD_IN + self._longest_context(), self.asked.include_history)
        first_day = self.as_of - dt.timedelta(days=days_read - 1)
        entries: dict[str, list[ObservedDay]] = defaultdict(list)
        for row in read_observed_days(self.connection, self.region.code, track_ids, first_day, self.as_of):
            entries[row.track_id].append(row)
        counts = self._count_observed_days(facts)
        return {i: (facts.get(i), entries[i], counts.get(i, 0)) for i in track_ids}

    def _count_observed_days(self, facts: dict[str, TrackFacts]) -> dict[str, int]:
        if self.as_of == self.region.last_day:
            return {track_id: known.observed_days for track_id, known in facts.items()}
        return count_observed_days(self.connection, self.region.code, list(facts), self.as_of)

    def _longest_context(self) -> int:
        contexts = [model.bundle.spec.context_length for model in self.models.values()]
        return max([BASELINE_CONTEXT, *contexts])

    def _check(
        self, track_id: str, facts: TrackFacts | None, entries: list[ObservedDay], observed_days: int
    ) -> Answerable:
        if facts is None or observed_days == 0:
            raise NotFoundError(
                f"Track {track_id} has not charted in {self.region.code} up to {self.as_of}; "
                f"GET /tracks?region={self.region.code} lists those that have."
            )
        choice = select_model(
            self.models, self.asked.model, region=self.region.code, has_metadata=facts.has_metadata
        )
        _check_reach(choice, self.asked)
        context = BASELINE_CONTEXT if choice.model is None else choice.model.bundle.spec.context_length
        if not entries or (self.as_of - entries[-1].date).days > context:
            raise ConflictError(
                f"Track {track_id} was last on the {self.region.code} chart more than {context} days before "
                f"{self.as_of}: too long ago to forecast from. Ask with an as_of nearer to its chart days."
            )
        return Answerable(facts, entries, observed_days, choice)

    def _forecast(self, group: list[Answerable]) -> Forecast | None:
        model = group[0].choice.model
        if model is None:
            return None
        market = self.predictor.cache.covariates(self.connection, self.region)
        return model.forecaster.forecast(self._build_history(group, model), market)

    def _build_history(self, group: list[Answerable], model: RunningModel) -> History:
        length = model.forecaster.grid_length
        grid_start = self.as_of - dt.timedelta(days=length - 1)
        streams, positions = (np.full((len(group), length), np.nan) for _ in range(2))
        within = np.zeros(len(group), dtype=int)
        for row, track in enumerate(group):
            for entry in track.entries:
                column = (entry.date - grid_start).days
                if column >= 0:
                    streams[row, column], positions[row, column] = entry.streams, entry.position
                    within[row] += 1
        return History(
            cutoffs=np.full(len(group), self.as_of, dtype="datetime64[D]"),
            streams=streams,
            positions=positions,
            first_days=np.array([t.facts.first_day for t in group], dtype="datetime64[D]"),
            observed_before=np.array([t.observed_days for t in group]) - within,
            release_days=np.array([parse_release_day(t.facts.release_date) for t in group]),
            features=np.array([t.facts.features for t in group], dtype=float),
        )


def _check_as_of(as_of: dt.date | None, region: RegionState) -> dt.date:
    if as_of is None:
        return region.last_day
    if as_of > region.last_day:
        raise InvalidRequestError(
            f"as_of {as_of} lies after {region.last_day}, the last day ingested for {region.code}: "
            "ask with an earlier one, or ingest the days up to it.",
            errors=[("as_of", f"after {region.last_day}")],
        )
    return as_of


def _check_reach(choice: Choice, asked: schemas.PredictRequest | schemas.BatchRequest) -> None:
    spec = None if choice.model is None else choice.model.bundle.spec
    reach = BASELINE_HORIZON if spec is None else spec.horizon
    if asked.horizon > reach:
        raise InvalidRequestError(
            f"A horizon of {asked.horizon} days is beyond the model's max_horizon: ask for 1 to {reach}.",
            errors=[("horizon", f"at most {reach}")],
        )
    offered = (50, 80, 95) if spec is None else spec.levels
    if unknown := sorted(set(asked.levels).difference(offered)):
        known = ", ".join(map(str, offered))
        raise InvalidRequestError(
            f"There is no interval of level {unknown[0]}: the levels are {known}.",
            errors=[("levels", f"not among {known}")],
        )
