"""``GET /metrics``."""

from anyio import move_on_after
from anyio.to_thread import run_sync
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from app.access.rules import Rule, requires
from app.database import Database
from app.dependencies import DatabaseDep, ModelStoreDep
from app.observability.scraping import StoreState, read_store_state, render_metrics
from app.observability.worker_state import observe_worker

STORE_SECONDS = 2.0  # a scrape is given up after ten, and the other metrics are wanted all the more then

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "Prometheus' text format",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    },
)
@requires(Rule.PREDICT)
async def read_metrics(database: DatabaseDep, models: ModelStoreDep) -> Response:
    """Requests, forecasts, uploads, models, the store and the process; of all workers together.

    It answers while the database is away too: `chartcast_database_up` is 0 then.
    """
    observe_worker(models, database)
    store = await _read_store(database)
    body = await run_sync(render_metrics, store)
    return Response(body, media_type=CONTENT_TYPE_PLAIN_0_0_4)


async def _read_store(database: Database) -> StoreState:
    with move_on_after(STORE_SECONDS):
        return await run_sync(read_store_state, database, abandon_on_cancel=True)
    return StoreState()
