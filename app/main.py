"""The ASGI application: ``uvicorn app.main:app``, or ``create_app(settings)``."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import CapacityLimiter
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from app import __version__
from app.access.headers import SecurityHeadersMiddleware
from app.access.middleware import AccessMiddleware, Gate
from app.access.rules import Rule, requires
from app.artists import endpoints as artists
from app.audit import endpoints as audit
from app.body_limit import BodyLimitMiddleware
from app.charts import endpoints as charts
from app.config import SHIPPED_BUNDLES, Settings
from app.database import Database, build_engine
from app.document import DESCRIPTION, build_document
from app.errors import answer_unexpected, install_error_handlers, problem_responses
from app.health import endpoints as health
from app.ingest import endpoints as ingest
from app.json_route import ShortWay
from app.memory import limit_arenas
from app.model_catalog import endpoints as model_catalog
from app.model_store import ModelStore
from app.model_watch import following
from app.observability import endpoints as observability
from app.observability.logs import configure_logging
from app.observability.middleware import LoggedRequests, ObservabilityMiddleware
from app.observability.tracing import NOT_TRACED, Tracing, build_tracing
from app.observability.worker_state import observed_worker
from app.popularity import endpoints as popularity
from app.popularity.service import PopularityPredictor
from app.predict import endpoints as predict
from app.predict.batcher import Batcher
from app.predict.market import MarketCache
from app.predict.past import PastForecasts
from app.predict.rolled import RolledMarkets
from app.predict.service import Predictor
from app.tracks import endpoints as tracks

LOOK_BACKS_AT_ONCE = 4  # in a process; each takes seconds of a core
# All within 200,000 objects, some 20 MB; what a start has (app/__init__.py) would wait for 20 million.
COLLECTOR = (50_000, 1, 1)
UPLOADS_AT_ONCE = 4  # in a process; stores take those of a region one after the other anyway


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    tracing: Tracing | None = app.state.tracing
    configure_logging(settings.log_level, settings.log_format)
    limit_arenas()  # before there are threads
    app.state.database = Database(build_engine(settings.database_url))
    app.state.gate = Gate(app.state.database, settings)
    app.state.gate.tell()
    app.state.upload_threads = CapacityLimiter(UPLOADS_AT_ONCE)
    app.state.look_back_threads = CapacityLimiter(LOOK_BACKS_AT_ONCE)
    app.state.model_store = ModelStore([SHIPPED_BUNDLES, settings.models_dir])
    app.state.model_store.load()
    market = MarketCache()
    app.state.predictor = Predictor(
        app.state.model_store, market, PastForecasts(), RolledMarkets(), settings.default_region
    )
    app.state.popularity = PopularityPredictor(app.state.model_store, market, settings.default_region)
    app.state.batcher = Batcher(app.state.database, app.state.predictor)
    if tracing is not None:
        tracing.start(app.state.database.engine)
    store = app.state.model_store
    _rest_collector()
    async with following(store), observed_worker(store, app.state.database):
        yield
    app.state.batcher.close()
    app.state.database.dispose()
    if tracing is not None:
        tracing.stop()


def _rest_collector() -> None:
    """Have the garbage collector look at what requests leave, and at that alone."""
    gc.freeze()  # what is there now stays: looking through all of it would hold every request up
    gc.collect()  # all is looked at once there is a quarter more than the last time: now of near nothing
    gc.set_threshold(*COLLECTOR)


class _Service(FastAPI):
    def build_middleware_stack(self) -> ASGIApp:
        # Outside of what FastAPI adds last itself, which answers when something breaks.
        return SecurityHeadersMiddleware(super().build_middleware_stack())


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the service. Nothing is opened before it starts.

    Raises:
        RuntimeError: traces are wanted, and what sends them is not installed.
    """
    settings = settings or Settings()
    tracing = build_tracing(settings.otlp_endpoint)
    app = _Service(
        title="Chartcast",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan,
        generate_unique_id_function=lambda route: route.name,  # generated clients name their methods by it
        telemetry=NOT_TRACED if tracing is None else tracing.telemetry,
        openapi_url="/openapi.json" if settings.docs else None,
        docs_url="/docs" if settings.docs else None,
        redoc_url="/redoc" if settings.docs else None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,  # to where? it goes by the Host header, which is whatever the client says
    )
    app.state.settings = settings
    app.state.tracing = tracing
    app.add_middleware(BodyLimitMiddleware, settings=settings)
    _install_access(app, settings)
    install_error_handlers(app)
    logged = LoggedRequests(settings.log_all_requests, settings.log_slow_seconds)
    # Added last: the outermost, so that what others refuse is seen too and every answer has the id.
    app.add_middleware(ObservabilityMiddleware, logged=logged, answer_unexpected=answer_unexpected)
    for of_store in (predict, popularity, ingest, tracks, charts, artists, audit):
        app.include_router(of_store.router, responses=problem_responses(503))
    for endpoints in (model_catalog, health, observability):
        app.include_router(endpoints.router)
    app.openapi = lambda: build_document(app)  # type: ignore[method-assign]
    return app


def _install_access(app: FastAPI, settings: Settings) -> None:
    for route in app.routes:  # those of the documentation are there already
        requires(Rule.PUBLIC)(route.endpoint)  # type: ignore[attr-defined]
    # Inside of what turns errors into answers, so that refusing is raising as it is anywhere else.
    router = app.router.middleware_stack
    # Traced, all requests go FastAPI's way, which tells the tracer their routes.
    behind = router if app.state.tracing else ShortWay(router)
    app.router.middleware_stack = AccessMiddleware(behind, app)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "POST", "PUT"),
            allow_headers=("Authorization", "Content-Type", "X-Request-ID"),
            expose_headers=("Retry-After", "WWW-Authenticate", "X-Request-ID"),
        )


app = create_app()
