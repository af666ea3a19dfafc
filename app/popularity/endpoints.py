"""``POST /popularity``."""

from fastapi import APIRouter, Request

from app.access.rules import Rule, requires
from app.dependencies import DatabaseDep
from app.errors import problem_responses
from app.popularity.schemas import Popularity, PopularityRequest
from app.popularity.service import PopularityPredictor

router = APIRouter(tags=["forecasts"])


@router.post(
    "/popularity",
    summary="Tell how well a new track will do",
    responses=problem_responses(404, 409, 413, 422),
)
@requires(Rule.PREDICT)
def predict_popularity(request: Request, asked: PopularityRequest, database: DatabaseDep) -> Popularity:
    """How a track that enters the chart will do in its first 60 days there, before it has a day of its own.

    By its audio features and release date, what its artist has had on this chart, and the time of the year;
    nothing after `as_of` is read. A track that has charted is answered for as of the eve of its first chart
    day, so nothing of what it did is used. 404: the store has no such track. 409: no model is loaded, or the
    track was there when the region's charts begin. 422: neither or both of `track_id` and `features`, or a
    malformed request.
    """
    predictor: PopularityPredictor = request.app.state.popularity
    with database.read() as connection:
        return predictor.predict(connection, asked)
