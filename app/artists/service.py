"""From a request to an artist's forecast: its tracks on the chart, all of the chart forecast, sums."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.artists.names import ids_of
from app.artists.schemas import ArtistPrediction, ArtistRequest
from app.artists.sums import build_day, build_track
from app.errors import ChartcastError, ConflictError, NotFoundError
from app.forecasting.artists import artist_id, artist_name
from app.predict import schemas as predict
from app.predict.checks import check_as_of
from app.predict.service import Predictor
from app.repository.artists import TrackSpan, read_artist_days, read_artist_spans
from app.repository.history import read_chart_streams, read_last_chart_days
from app.repository.regions import RegionState, resolve_region

Chart = dict[str, int]  # streams by track


@dataclass(frozen=True)
class _Charting:
    """An artist's tracks on the chart that is forecast.

    Attributes:
        spans: Of all its tracks that the region has ever had.
        day: Of the chart.
        chart: All of it.
        own: Its tracks on it, the most streams first.
    """

    spans: Sequence[TrackSpan]
    day: dt.date
    chart: Chart
    own: list[str]

    @property
    def credited(self) -> str:
        """How its newest track names it."""
        return max(self.spans, key=lambda span: span.last_day).artist


def predict_artist(connection: Connection, predictor: Predictor, asked: ArtistRequest) -> ArtistPrediction:
    """Forecast an artist: the sum of its tracks on the chart at ``as_of``, each if it still charts.

    All tracks on that chart are forecast at once, so that the artist's share adds up.

    Raises:
        ChartcastError: 404, 409 or 422, as of a single track.
    """
    region = resolve_region(connection, asked.region, predictor.default_region)
    as_of = check_as_of(asked.as_of, region)
    charting = _find(connection, region, as_of, asked.artist)
    tracks = _forecast_chart(connection, predictor, region, asked, charting.chart)
    own = [tracks[track_id] for track_id in charting.own]
    others = [track for track_id, track in tracks.items() if track_id not in charting.own]
    return ArtistPrediction.model_validate(
        {
            "artist_id": artist_id(charting.credited),
            "artist": artist_name(charting.credited),
            "region": region.code,
            "as_of": as_of,
            "charting_on": charting.day,
            "reconciliation": "bottom_up",
            "forecasts": [build_day(own, others, step) for step in range(asked.horizon)],
            "tracks": [build_track(track) for track in own],
            "history": _read_history(connection, region, as_of, charting.spans, asked.include_history),
        }
    )


def _find(connection: Connection, region: RegionState, as_of: dt.date, artist: str) -> _Charting:
    spans = read_artist_spans(connection, ids_of(artist), region.code)
    if not any(span.first_day <= as_of for span in spans):
        raise NotFoundError(
            f"No track of artist {artist[:80]!r} has charted in {region.code} up to {as_of}; "
            f"GET /artists?region={region.code} lists those that have."
        )
    day, chart = _read_chart(connection, region, as_of)
    own = sorted({span.track_id for span in spans} & chart.keys(), key=lambda track: (-chart[track], track))
    if not own:
        raise ConflictError(
            f"No track of artist {artist[:80]!r} is on the {region.code} chart of {day}, the last up to "
            f"{as_of}: there is nothing to add up. Ask with an as_of on which one charts "
            f"(GET /artists/{artist_id(spans[0].artist)} has their days)."
        )
    return _Charting(spans, day, chart, own)


def _read_chart(connection: Connection, region: RegionState, as_of: dt.date) -> tuple[dt.date, Chart]:
    """The chart of ``as_of``, or the last before it where that day has none."""
    if chart := read_chart_streams(connection, region.code, as_of):
        return as_of, chart
    day = read_last_chart_days(connection, region.code, as_of, 1)[0]  # there is one: a track has charted
    return day, read_chart_streams(connection, region.code, day)


def _forecast_chart(
    connection: Connection,
    predictor: Predictor,
    region: RegionState,
    asked: ArtistRequest,
    chart: Mapping[str, int],
) -> dict[str, predict.Prediction]:
    """What ``POST /predict/batch`` says of every track on the chart.

    Raises:
        ChartcastError: what it refuses one of them with.
    """
    items = [predict.BatchItem.model_construct(track_id=track, region=region.code) for track in chart]
    options = asked.model_dump(include={"horizon", "model", "as_of", "levels"})
    batch = predict.BatchRequest.model_construct(items=items, **options)
    tracks = {}
    for track_id, outcome in zip(chart, predictor.predict_batch(connection, items, batch), strict=True):
        if isinstance(outcome, ChartcastError):
            raise outcome
        tracks[track_id] = outcome
    return tracks


def _read_history(
    connection: Connection, region: RegionState, as_of: dt.date, spans: Sequence[TrackSpan], days: int
) -> list[dict[str, object]]:
    if not days:
        return []
    days = min(days, (as_of - region.first_day).days + 1)  # the calendar may not reach further back
    first_day = as_of - dt.timedelta(days=days - 1)
    charted = [span.track_id for span in spans if span.first_day <= as_of and span.last_day >= first_day]
    found = read_artist_days(connection, region.code, charted, first_day, as_of)
    return [day._asdict() for day in found]
