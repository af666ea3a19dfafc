"""``POST /predict`` and ``POST /predict/batch``."""

from contextlib import suppress
from functools import partial

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from app.access.rules import Rule, requires
from app.database import Database
from app.errors import ChartcastError, build_problem, problem_responses
from app.forecasting.market_covariates import HORIZON
from app.json_route import JsonRoute
from app.predict.batcher import Batcher
from app.predict.schemas import BatchPrediction, BatchProblem, BatchRequest, Prediction, PredictRequest
from app.predict.service import NotAtHandError, Outcome, Predictor

router = APIRouter(tags=["forecasts"], route_class=JsonRoute)


@router.post("/predict", summary="Forecast a track", responses=problem_responses(404, 409, 413, 422))
@requires(Rule.PREDICT)
async def predict(request: Request, asked: PredictRequest) -> Prediction:
    """How many chart streams the track will have on each of the next days, if it charts, and how sure we are.

    Up to 28 days: from the second on a forecast draws on those of the days before it. Nothing after `as_of`
    is read. A short history, one observed day even, gets a forecast with wider intervals. 404:
    the region has not seen the track by `as_of`. 409: its last chart day lies too far back, or the model
    named is not loaded. 422: `as_of` after the last ingested day, or a malformed request.
    """
    state = request.app.state
    batcher: Batcher = state.batcher
    if asked.horizon <= HORIZON:  # a longer one takes tens of milliseconds: not on the event loop
        with suppress(NotAtHandError):  # a market or a past that is yet to be looked up takes seconds
            return await batcher.predict(asked)
    # In threads of its own: they may all be waiting for one look back, and others go on meanwhile.
    look_back = partial(_predict, state.database, state.predictor, asked)
    return await to_thread.run_sync(look_back, limiter=state.look_back_threads)


def _predict(database: Database, predictor: Predictor, asked: PredictRequest) -> Prediction:
    with database.read() as connection:
        prediction = predictor.predict(connection, asked)
    predictor.past.write(database)
    return prediction


@router.post("/predict/batch", summary="Forecast many tracks", responses=problem_responses(413, 422))
@requires(Rule.PREDICT)
async def predict_batch(request: Request, asked: BatchRequest) -> BatchPrediction:
    """Up to 1,000 tracks at once: for each a forecast, or the problem that kept it from one."""
    return await run_in_threadpool(_predict_batch, request, asked)


def _predict_batch(request: Request, asked: BatchRequest) -> BatchPrediction:
    database: Database = request.app.state.database
    predictor: Predictor = request.app.state.predictor
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
