"""``/artists``, and ``POST /predict/artist``."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import AfterValidator

from app.access.rules import Rule, requires
from app.artists.listing import build_artist, build_artist_page
from app.artists.names import ArtistName
from app.artists.schemas import ArtistAnswer, ArtistPage, ArtistPrediction, ArtistRequest
from app.artists.service import predict_artist as forecast_artist
from app.dependencies import DatabaseDep
from app.errors import problem_responses
from app.predict.service import Predictor
from app.regions import RegionCode
from app.tracks.features import parse_name

router = APIRouter()

Text = Annotated[
    str | None,
    Query(max_length=200, description="Part of an artist's name, in any case."),
    AfterValidator(parse_name),  # after the length is checked: it makes nothing of blanks
]
Cursor = Annotated[
    str | None, Query(max_length=200, description="next_cursor of the page before; none for the first.")
]


@router.get("/artists", tags=["artists"], summary="Find artists", responses=problem_responses(404, 422))
@requires(Rule.PREDICT)
def list_artists(
    database: DatabaseDep,
    *,
    q: Text = None,
    region: RegionCode | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Cursor = None,
) -> ArtistPage:
    """The artists that have charted, in one region or in any: the latest observed first, then by streams.

    Charts name artists and have no ids of them. Of a track by several, with commas between, the first named
    is its artist, in whatever spelling; `artist_id` is made from that name. Tracks without one have none.
    """
    with database.read() as connection:
        return build_artist_page(connection, text=q, region=region, limit=limit, cursor=cursor)


# A path: names have slashes in them.
@router.get(
    "/artists/{artist:path}", tags=["artists"], summary="One artist", responses=problem_responses(404, 422)
)
@requires(Rule.PREDICT)
def read_artist(
    artist: Annotated[ArtistName, Path()], database: DatabaseDep, region: RegionCode | None = None
) -> ArtistAnswer:
    """An artist's charting tracks, by region: their days, when last observed, the sum of their streams."""
    with database.read() as connection:
        return build_artist(connection, artist, region)


@router.post(
    "/predict/artist",
    tags=["forecasts"],
    summary="Forecast an artist",
    responses=problem_responses(404, 409, 413, 422),
)
@requires(Rule.PREDICT)
def predict_artist(request: Request, asked: ArtistRequest, database: DatabaseDep) -> ArtistPrediction:
    """How many chart streams the artist's tracks will have together, and its share of the chart.

    Those meant are its tracks on the chart at `as_of`; each is forecast as by `POST /predict`, if it still
    charts, and all sums are sums of these: they add up exactly, in whole streams. Tracks that come later are
    not foreseen. 404: the region has seen no track of the artist by `as_of`. 409: none is on that chart, or
    the model named is not loaded. 422: `as_of` after the last ingested day, or a malformed request.
    """
    predictor: Predictor = request.app.state.predictor
    with database.read() as connection:
        prediction = forecast_artist(connection, predictor, asked)
    predictor.past.write(database)
    return prediction
