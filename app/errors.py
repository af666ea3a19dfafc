"""Errors that carry their status, and the one place that turns them into problem documents (RFC 9457)."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app.database_errors import DATABASE_ERRORS, RACE, describe_cause, explain_failure

logger = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"
RETRY_AFTER_SECONDS = "5"
# Not "nothing was stored": a commit may have gone through though its answer was lost.
SEND_AGAIN = "Send the request again: an upload that was stored all the same changes nothing the second time."
LISTED = 100  # faults that an answer lists: a body of millions would else make an answer of more
TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported format",
    422: "Invalid request",
    429: "Too many requests",
    500: "Internal error",
    503: "Not available",
}


class FieldProblem(BaseModel):
    """What is wrong with one field of a request."""

    field: str
    problem: str


class Problem(BaseModel):
    """A problem document: what went wrong and how to mend it."""

    type: str = Field(examples=["urn:chartcast:problem:not-found"])
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FieldProblem] | None = None


class ChartcastError(Exception):
    """A fault with a message for the caller. Subclasses fix ``status`` and ``slug``.

    Args:
        detail: Names the fault and the mend.
        errors: The fields at fault, as (field, problem).
        extra: Further members of the problem document.
        headers: Headers of the answer.
    """

    status = 500
    slug = "internal"

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[tuple[str, str]] = (),
        extra: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = list(errors)
        self.extra = extra or {}
        self.headers = headers or {}


class InvalidRequestError(ChartcastError):
    """The request is well-formed but asks for what cannot be."""

    status = 422
    slug = "invalid-request"


class UnauthorizedError(ChartcastError):
    """The request shows no key that is good."""

    status = 401
    slug = "not-authenticated"


class ForbiddenError(ChartcastError):
    """Whoever asks may not do this."""

    status = 403
    slug = "forbidden"


class NotFoundError(ChartcastError):
    """What the request names is not in the store."""

    status = 404
    slug = "not-found"


class ConflictError(ChartcastError):
    """The request contradicts the state of the store or of the models."""

    status = 409
    slug = "conflict"


class TooLargeError(ChartcastError):
    """An upload over one of the limits in the settings."""

    status = 413
    slug = "too-large"


class UnsupportedFormatError(ChartcastError):
    """An upload that is no chart or metadata file this service knows."""

    status = 415
    slug = "unsupported-format"


class TooManyRequestsError(ChartcastError):
    """A key over its rate limit."""

    status = 429
    slug = "too-many-requests"


class NotReadyError(ChartcastError):
    """The service cannot do its work yet, or for now."""

    status = 503
    slug = "not-ready"


def _document(request: Request, status: int, slug: str, detail: str) -> dict[str, Any]:
    return {
        "type": f"urn:chartcast:problem:{slug}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "instance": request.scope["path"],
        "request_id": getattr(request.state, "request_id", ""),
    }


def _problem(request: Request, status: int, slug: str, detail: str, extra: dict[str, Any]) -> JSONResponse:
    body = _document(request, status, slug, detail) | extra
    return JSONResponse(body, status_code=status, media_type=PROBLEM_JSON)


def build_problem(request: Request, error: ChartcastError) -> Problem:
    """The problem document of an error that is only a part of an answer."""
    document = _document(request, error.status, error.slug, error.detail)
    return Problem(**document, **_errors(error.errors))


def _errors(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    return {"errors": [{"field": field, "problem": problem} for field, problem in pairs]} if pairs else {}


def problem_response(request: Request, error: ChartcastError) -> JSONResponse:
    """The answer that ``error`` makes."""
    extra = {**_errors(error.errors), **error.extra}
    response = _problem(request, error.status, error.slug, error.detail, extra)
    response.headers.update(error.headers)
    return response


async def _on_chartcast_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ChartcastError)
    return problem_response(request, error)


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    pairs = [(".".join(map(str, e["loc"]))[:200], e["msg"]) for e in error.errors()[:LISTED]]
    named = "; ".join(f"{field}: {problem}" for field, problem in pairs[:3])
    detail = f"The request does not fit its schema ({named}). Mend the fields listed under errors."
    if isinstance(error.body, bytes):  # FastAPI parses a body only where its type says that it is JSON
        kind = request.headers.get("content-type") or "(none)"
        detail = f"Content-Type {kind[:80]} is not taken here; send JSON, as application/json."
    return _problem(request, 422, "invalid-request", detail, _errors(pairs))


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(
        error.__cause__, ChartcastError
    ):  # FastAPI takes ours, raised while it read the body, for its own
        return problem_response(request, error.__cause__)
    if error.status_code == 400:  # FastAPI's answer where encoding, digits or depth break its parser
        detail = "The body cannot be read as JSON: send one JSON object in UTF-8, not compressed."
        return _problem(request, 422, "invalid-request", detail, _errors([("body", "not readable as JSON")]))
    path = request.scope["path"]
    no_slash = " leave out the slash at the end, or" if path.endswith("/") else ""
    details = {
        404: f"There is nothing at {path[:200]};{no_slash} look among the paths that /docs lists.",
        405: f"{path[:200]} does not take {request.method}; it takes {(error.headers or {}).get('Allow')}.",
    }
    slug = TITLES.get(error.status_code, "error").lower().replace(" ", "-")
    response = _problem(
        request, error.status_code, slug, details.get(error.status_code, str(error.detail)), {}
    )
    response.headers.update(error.headers or {})
    return response


async def _on_disconnect(request: Request, _: Exception) -> JSONResponse:
    # Nobody reads it; but a client that hangs up is no fault of ours, to be logged with a traceback.
    return _problem(request, 400, "incomplete-body", "The body broke off; send it again, whole.", {})


async def _on_database_error(request: Request, error: Exception) -> JSONResponse:
    said = explain_failure(error)
    if said is None:
        raise error  # like any other that nobody expected
    if said == RACE:
        return _problem(request, 409, "conflict", f"{said} {SEND_AGAIN}", {})
    logger.error("the database cannot be used: %s", describe_cause(error))
    response = _problem(request, 503, "database-not-available", f"{said} {SEND_AGAIN}", {})
    response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return response


async def answer_unexpected(request: Request, _error: Exception) -> JSONResponse:
    """What a request gets that broke on our side; the request's log line has the exception."""
    return _problem(
        request, 500, "internal", "Something broke on our side; quote the request_id when asking.", {}
    )


def install_error_handlers(app: FastAPI) -> None:
    """Make every error of ``app`` a problem document."""
    app.add_exception_handler(ChartcastError, _on_chartcast_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    for failure in DATABASE_ERRORS:
        app.add_exception_handler(failure, _on_database_error)


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that can answer these problems, for the OpenAPI document."""
    content = {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {s: {"description": TITLES[s], "content": content, "model": None} for s in statuses}
