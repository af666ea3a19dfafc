"""``POST /predict`` and ``POST /predict/batch``."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from app.dependencies import DatabaseDep
from app.errors import ChartcastError, build_problem, problem_responses
from app.predict.schemas import BatchPrediction, BatchProblem, BatchRequest, Prediction, PredictRequest
from app.predict.service import Outcome, Predictor

router = APIRouter(tags=["forecasts"])


async def get_predictor(request: Request) -> Predictor:
    """What predictions draw on, made when the app started."""
    predictor: Predictor = request.app.state.predictor
    return predictor


PredictorDep = Annotated[Predictor, Depends(get_predictor)]


@router.post("/predict", summary="Forecast a track", responses=problem_responses(404, 409, 422))
def predict(asked: PredictRequest, database: DatabaseDep, predictor: PredictorDep) -> Prediction:
    """How many chart streams the track will have on each of the next days, if it charts, and how sure we are.

    Nothing after `as_of` is read. A short history, one observed day even, gets a forecast with wider
    intervals. 404: the region has not seen the track by `as_of`. 409: its last chart day lies too far
    back, or the model named is not loaded. 422: `as_of` after the last ingested day, or a malformed request.
    """
    with database.read() as connection:
        prediction = predictor.predict(connection, asked)
    predictor.past.write(database)
    return prediction


@router.post("/predict/batch", summary="Forecast many tracks", responses=problem_responses(422))
def predict_batch(
    request: Request, asked: BatchRequest, database: DatabaseDep, predictor: PredictorDep
) -> BatchPrediction:
    """Up to 1,000 tracks at once: for each a forecast, or the problem that kept it from one."""
    with database.read() as connection:
        outcomes = predictor.predict_batch(connection, asked.items, asked)
    predictor.past.write(database)
    results = [_to_result(request, asked, i, outcome) for i, outcome in enumerate(outcomes)]
    return BatchPrediction(results=results)


def _to_result(
    request: Request, asked: BatchRequest, index: int, outcome: Outcome
) -> Prediction | BatchProblem:
    if not isinstance(outcome, ChartcastError):
        return outcome
    item = asked.items[index]
    return BatchProblem(track_id=item.track_id, region=item.region, problem=build_problem(request, outcome))
