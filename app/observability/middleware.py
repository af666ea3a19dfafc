"""What every request gets: an id, a place in the metrics and, where it failed or dragged, a log line."""

import logging
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.observability.logs import current_request_id
from app.observability.metrics import count_request
from app.observability.tracing import tag_request

logger = logging.getLogger("app.requests")

_SANE = re.compile(rb"[\w.:-]{1,128}")
UNMATCHED = "(unmatched)"  # one name for all paths there are not: a scan makes no series
CLIENT_GONE = 499  # nothing was answered: by custom, not by any standard


@dataclass(frozen=True)
class LoggedRequests:
    """Which requests get a line, beside those that failed with a 5xx.

    Attributes:
        all: Every one.
        slow_seconds: Those that took so long.
    """

    all: bool
    slow_seconds: float

    def level(self, status: int, seconds: float) -> int | None:
        """Of a request's line; None: it gets none."""
        if status >= 500:
            return logging.ERROR
        if seconds >= self.slow_seconds:
            return logging.WARNING
        return logging.INFO if self.all else None


class ObservabilityMiddleware:
    """Plain ASGI (a ``BaseHTTPMiddleware`` costs most of the throughput under load), to be the outermost.

    A request's id is the caller's ``X-Request-ID`` where it is sane, else a new one.

    Args:
        app: What it stands before.
        logged: The requests that get a line.
        answer_unexpected: Makes the answer to what no handler took.
    """

    def __init__(
        self,
        app: ASGIApp,
        logged: LoggedRequests,
        answer_unexpected: Callable[[Request, Exception], Awaitable[Response]],
    ) -> None:
        self.app = app
        self._logged = logged
        self._answer_unexpected = answer_unexpected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begin = perf_counter()
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        header = given if _SANE.fullmatch(given) else uuid.uuid4().hex.encode()
        request_id = scope.setdefault("state", {})["request_id"] = header.decode()
        current_request_id.set(request_id)
        tag_request(request_id)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", header)]
            await send(message)

        error: Exception | None = None
        try:
            await self.app(scope, receive, send_with_id)
        except Exception as unexpected:
            error = unexpected
            if status:  # half an answer is out: the server can only hang up
                status = 500
                raise
            answer = await self._answer_unexpected(Request(scope), unexpected)
            await answer(scope, receive, send_with_id)
        finally:
            self._record(scope, status or CLIENT_GONE, perf_counter() - begin, error)

    def _record(self, scope: Scope, status: int, seconds: float, error: Exception | None) -> None:
        route = _route_of(scope)
        count_request(scope["method"], route, status, seconds)
        level = self._logged.level(status, seconds)
        if level is None:
            return
        fields = {
            "method": scope["method"],
            "route": route,
            "status": status,
            "duration_ms": round(1000 * seconds, 3),
        }
        if caller := scope["state"].get("caller"):
            fields["caller"] = str(caller)
        logger.log(level, "request", extra=fields, exc_info=error)


def _route_of(scope: Scope) -> str:
    route = scope.get("route")  # access/middleware notes it, of requests that it refuses too
    if route is not None:
        path: str = getattr(route, "path_format", route.path)  # without what a parameter must look like
        return path
    return UNMATCHED
