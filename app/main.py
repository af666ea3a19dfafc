"""The ASGI application: ``uvicorn app.main:app``, or ``create_app(settings)``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app import __version__
from app.body_limit import BodyLimitMiddleware
from app.charts import endpoints as charts
from app.config import SHIPPED_BUNDLES, Settings
from app.database import Database, build_engine
from app.errors import Problem, install_error_handlers
from app.health import endpoints as health
from app.ingest import endpoints as ingest
from app.model_catalog import endpoints as model_catalog
from app.model_store import ModelStore
from app.predict import endpoints as predict
from app.predict.market import MarketCache
from app.predict.past import PastForecasts
from app.predict.service import Predictor
from app.request_id import RequestIdMiddleware
from app.tracks import endpoints as tracks

DESCRIPTION = """
How many chart streams will a track have tomorrow, how sure are we, and is that more than usual?

Streams are *chart streams*: what the publisher counts for its daily chart, which differs from an
artist's own counters. Dates are chart days, 00:00 to 23:59 UTC. Errors are always
`application/problem+json` and name the fault and the mend.
"""


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    app.state.database = Database(build_engine(settings.database_url))
    app.state.model_store = ModelStore([SHIPPED_BUNDLES, settings.models_dir])
    app.state.model_store.load()
    app.state.predictor = Predictor(
        app.state.model_store, MarketCache(), PastForecasts(), settings.default_region
    )
    yield
    app.state.database.dispose()


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the service. Nothing is opened before it starts."""
    app = FastAPI(
        title="Chartcast",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan,
        generate_unique_id_function=lambda route: route.name,  # generated clients name their methods by it
        redirect_slashes=False,  # to where? it goes by the Host header, which is whatever the client says
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.settings = settings or Settings()
    app.add_middleware(BodyLimitMiddleware, settings=app.state.settings)
    app.add_middleware(RequestIdMiddleware)
    install_error_handlers(app)
    for endpoints in (predict, ingest, tracks, charts, model_catalog, health):
        app.include_router(endpoints.router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(problem.pop("$defs", {}) | {"Problem": problem})
        app.openapi_schema = schema
    return app.openapi_schema


app = create_app()
