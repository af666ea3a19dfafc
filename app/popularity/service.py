"""What is to be expected of a track that is new to a chart, from what is known on the eve of its entry."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from app.artists.names import ids_of
from app.errors import ConflictError, InvalidRequestError, NotFoundError
from app.forecasting.artists import artist_id
from app.forecasting.history import Floats, parse_release_day
from app.forecasting.popularity import (
    CLASSES,
    FEATURES_USED,
    INPUTS,
    OUTPUTS,
    POSITIONS,
    Newcomer,
    build_row,
    count_recent_tracks,
)
from app.forecasting.spec import FEATURES
from app.model_store import ModelStore, RunningRowModel
from app.popularity.schemas import Popularity, PopularityRequest
from app.predict.checks import check_as_of
from app.predict.market import MarketCache
from app.repository.artists import read_artist_spans
from app.repository.history import read_entries
from app.repository.metadata import read_metadata
from app.repository.regions import RegionState, resolve_region
from app.repository.tracks import read_names, read_regions_of

NAME = "popularity"
DAY = dt.timedelta(days=1)
DECIMALS = 4  # of probabilities and scores


@dataclass(frozen=True)
class _Track:
    """What is known of the track itself, wherever from."""

    track_id: str | None
    track_name: str | None
    artist: str | None
    features: Floats  # (13,), NaN where unknown
    release_date: str | None
    first_day: dt.date | None  # on this region's chart, up to any day


@dataclass(frozen=True)
class PopularityPredictor:
    """Answers by the model that is being served."""

    store: ModelStore
    market: MarketCache
    default_region: str | None

    def predict(self, connection: Connection, asked: PopularityRequest) -> Popularity:
        """What is to be expected of one track.

        Raises:
            NotFoundError: the region has no charts, or the store has no such track.
            InvalidRequestError: ``as_of`` lies outside of the region's days.
            ConflictError: no model is loaded that takes and gives what is known here, or the track was there
                when the region's charts begin.
        """
        region = resolve_region(connection, asked.region, self.default_region)
        as_of = _check_as_of(asked.as_of, region)
        track = _read_track(connection, region, asked)
        model = self._choose_model()
        charted_on = track.first_day if track.first_day and track.first_day <= as_of else None
        eve = as_of if charted_on is None else _eve_of(charted_on, region, track.track_id)
        streams = _read_artist(connection, region, track, eve)
        row = build_row(
            Newcomer(
                entry=(eve - region.first_day).days + 1,
                features=track.features,
                release_day=parse_release_day(track.release_date),
                artist_known=artist_id(track.artist) is not None,
                artist_streams=streams,
            ),
            self.market.covariates(connection, region),
        )
        answer = model.run(row[None])[0]
        return _build_answer(
            track,
            model,
            answer,
            region=region.code,
            eve=eve,
            charted_on=charted_on,
            others=count_recent_tracks(streams),
        )

    def _choose_model(self) -> RunningRowModel:
        model = self.store.row_models.get(NAME)
        if model is None:
            raise ConflictError(f"No model {NAME} is loaded; publish one, and GET /models lists it.")
        if (model.bundle.inputs, model.bundle.outputs) != (INPUTS, OUTPUTS):
            raise ConflictError(
                f"{NAME} {model.bundle.version} takes or gives other numbers than this release knows: "
                f"publish one that was trained with it (python -m training {NAME} --publish)."
            )
        return model


def _check_as_of(as_of: dt.date | None, region: RegionState) -> dt.date:
    day = check_as_of(as_of, region)
    if day < region.first_day:
        raise InvalidRequestError(
            f"as_of {day} lies before {region.first_day}, the first day ingested for {region.code}: "
            "ask with a later one.",
            errors=[("as_of", f"before {region.first_day}")],
        )
    return day


def _eve_of(charted_on: dt.date, region: RegionState, track_id: str | None) -> dt.date:
    if charted_on == region.first_day:
        raise ConflictError(
            f"Track {track_id} is on the first chart there is of {region.code}, {charted_on}: nothing is "
            "known of the days before. Ingest earlier charts, or ask with its features."
        )
    return charted_on - DAY


def _read_track(connection: Connection, region: RegionState, asked: PopularityRequest) -> _Track:
    if asked.track_id is None:
        given = asked.features.model_dump() if asked.features else {}
        return _Track(None, None, asked.artist, _to_array(given), asked.release_date, None)
    names = read_names(connection, asked.track_id)
    if names is None:
        raise NotFoundError(
            f"No chart and no metadata file has had track {asked.track_id}; GET /tracks lists those that "
            "have charted. A new track is described with features instead."
        )
    stored = read_metadata(connection, asked.track_id) or {}
    charted = read_regions_of(connection, [asked.track_id]).get(asked.track_id, [])
    first_days = {days.region: days.first_day for days in charted}
    return _Track(
        asked.track_id, *names, _to_array(stored), stored.get("release_date"), first_days.get(region.code)
    )


def _read_artist(connection: Connection, region: RegionState, track: _Track, eve: dt.date) -> Floats:
    """Streams of the artist's other tracks that had charted by ``eve``, NaN off the chart. (tracks, days)"""
    days = (eve - region.first_day).days + 1
    ids = ids_of(track.artist) if track.artist else ()
    spans = read_artist_spans(connection, ids, region.code) if ids else []
    others = [s.track_id for s in spans if s.first_day <= eve and s.track_id != track.track_id]
    if not others:
        return np.empty((0, days))
    entries = read_entries(connection, region.code, others, region.first_day, eve)
    streams = np.full((len(entries), days), np.nan)
    for row, of_track in enumerate(entries.values()):
        streams[row, [(day - region.first_day).days for day in of_track.days]] = of_track.streams
    return streams


def _to_array(features: dict[str, float | None]) -> Floats:
    return np.array([np.nan if (value := features.get(name)) is None else value for name in FEATURES])


def _build_answer(
    track: _Track,
    model: RunningRowModel,
    answer: NDArray[np.float32],
    *,
    region: str,
    eve: dt.date,
    charted_on: dt.date | None,
    others: int,
) -> Popularity:
    said = dict(zip(OUTPUTS, answer.astype(float).tolist(), strict=True))
    total = sum(said[name] for name in CLASSES)
    known = dict(zip(FEATURES, np.isfinite(track.features), strict=True))
    bundle = model.bundle
    return Popularity.model_validate(
        {
            "track_id": track.track_id,
            "track_name": track.track_name,
            "artist": track.artist,
            "region": region,
            "as_of": eve,
            "charted_on": charted_on,
            "class": max(CLASSES, key=said.__getitem__),
            "probabilities": {name: round(said[name] / total, DECIMALS) for name in CLASSES},
            "score": round(said["score"], DECIMALS),
            "expected_peak_position": round(
                POSITIONS + 1 - POSITIONS * max(said["peak_share"], 1 / POSITIONS), 1
            ),
            "features_used": [name for name in FEATURES_USED if known[name]],
            "release_date_used": track.release_date is not None,
            "artist_history_used": others > 0,
            "artist_tracks": others,
            "model": {"name": NAME, "version": bundle.version, "trained_through": bundle.trained_through},
            "classes": bundle.training["classes"],
        }
    )
