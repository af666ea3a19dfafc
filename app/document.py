"""The OpenAPI document: what FastAPI makes of the routes, and what holds for all of them."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from app.access.openapi import declare_access
from app.errors import Problem

DESCRIPTION = """
How many chart streams will a track have tomorrow, how sure are we, and is that more than usual?

Streams are *chart streams*: what the publisher counts for its daily chart, which differs from an
artist's own counters. Dates are chart days, 00:00 to 23:59 UTC. Errors are always
`application/problem+json` and name the fault and the mend.
"""


def build_document(app: FastAPI) -> dict[str, Any]:
    """The document, built when first asked for."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(problem.pop("$defs", {}) | {"Problem": problem})
        declare_access(schema, app.routes)
        app.openapi_schema = schema
    return app.openapi_schema
