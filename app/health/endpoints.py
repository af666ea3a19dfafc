"""``GET /healthz`` and ``GET /readyz``."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from app.access.rules import Rule, requires
from app.database import Database
from app.database_errors import DATABASE_ERRORS
from app.dependencies import DatabaseDep, ModelStoreDep
from app.errors import NotReadyError, problem_responses
from app.model_store import ModelStore
from app.schema import is_current

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """The service can do its work."""

    status: Literal["ready"] = "ready"
    models: dict[str, int]


@router.get("/healthz", summary="Whether the process is alive")
@requires(Rule.ALWAYS)
async def read_health() -> Health:
    """Always 200 while the process runs: restart it when this fails, not when `/readyz` does."""
    return Health()


@router.get("/readyz", summary="Whether it can serve", responses=problem_responses(503))
@requires(Rule.ALWAYS)
def read_readiness(database: DatabaseDep, store: ModelStoreDep) -> Readiness:
    """The database is reachable, its schema current, a model loaded and its golden windows replayed."""
    if problems := [*_database_problems(database), *_model_problems(store)]:
        raise NotReadyError("; ".join(problems))
    return Readiness(models={name: model.bundle.version for name, model in store.models.items()})


def _database_problems(database: Database) -> list[str]:
    try:
        with database.read() as connection:
            if is_current(connection):
                return []
    except DATABASE_ERRORS:
        return ["the database cannot be reached"]
    return ["the database's schema is not current: run alembic upgrade head"]


def _model_problems(store: ModelStore) -> list[str]:
    if store.models:
        return []
    refused = "".join(f" ({told})" for told in store.describe_refused())  # the log has it with the path
    return [f"no model is loaded{refused}: publish a bundle and POST /models/reload"]
