"""What each worker is like at the moment: the models that it serves and its connections to the store.

Gauges that a worker sets itself, every few seconds: it may be another one that is asked for metrics.
"""

import datetime as dt
from contextlib import AbstractAsyncContextManager
from math import inf, nan
from typing import Final

from prometheus_client import Gauge
from sqlalchemy.pool import QueuePool

from app.database import Database
from app.model_store import NAMES, ROW_MODELS, ModelStore, Running
from app.repeating import repeating

REFRESH_SECONDS = 5.0
LIVE: Final = "liveall"  # of several workers, each one's as long as it lives, told apart by the label pid

_VERSION = Gauge(
    "chartcast_model_version",
    "The version served of a model; 0: none is loaded.",
    ("model",),
    multiprocess_mode=LIVE,
)
_AGE = Gauge(
    "chartcast_model_age_days",
    "Days since the last day that a model was trained through.",
    ("model",),
    multiprocess_mode=LIVE,
)
_REFUSED = Gauge(
    "chartcast_bundles_refused",
    "Bundles newer than those served that are damaged or failed their golden windows.",
    multiprocess_mode=LIVE,
)
_IN_USE = Gauge(
    "chartcast_database_connections_in_use",
    "Connections of the pool that are at work.",
    multiprocess_mode=LIVE,
)
_LIMIT = Gauge(
    "chartcast_database_connections_limit",
    "Connections that the pool may have; a request more than it waits.",
    multiprocess_mode=LIVE,
)


def observe_worker(models: ModelStore, database: Database) -> None:
    """Set this worker's gauges to how things are."""
    served: dict[str, Running] = {**models.models, **models.row_models}
    today = dt.datetime.now(dt.UTC).date()
    for name in (*NAMES, *ROW_MODELS):
        model = served.get(name)
        _VERSION.labels(name).set(0 if model is None else model.bundle.version)
        _AGE.labels(name).set(nan if model is None else _days_since(model.bundle.trained_through, today))
    _REFUSED.set(len(models.refused))
    pool = database.engine.pool
    if isinstance(pool, QueuePool):
        _IN_USE.set(pool.checkedout())
        # The overflow is told nowhere else; below 0 it has no bound.
        _LIMIT.set(inf if pool._max_overflow < 0 else pool.size() + pool._max_overflow)


def _days_since(day: str, today: dt.date) -> float:
    try:
        return (today - dt.date.fromisoformat(day)).days
    except ValueError:  # a bundle says it in words of its own: no reason to tell nothing of the others
        return nan


def observed_worker(models: ModelStore, database: Database) -> AbstractAsyncContextManager[None]:
    """Keep this worker's gauges up to date meanwhile."""

    async def observe() -> None:
        observe_worker(models, database)

    return repeating(observe, REFRESH_SECONDS)
