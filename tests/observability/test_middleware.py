"""An answer has the request's id whatever became of it, and a request counts whatever became of it."""

import asyncio
import logging
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.errors import answer_unexpected
from app.observability.middleware import CLIENT_GONE, LoggedRequests, ObservabilityMiddleware

NONE = LoggedRequests(all=False, slow_seconds=60)


def _run(app: Any, caplog: pytest.LogCaptureFixture) -> list[Message]:
    """What is sent for one request to ``app`` behind the middleware, every request logged."""
    caplog.set_level(logging.INFO, "app.requests")
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    middleware = ObservabilityMiddleware(app, LoggedRequests(True, 60), answer_unexpected)
    asyncio.run(middleware(scope, receive, send))
    return sent


def test_what_no_handler_took_is_answered_as_a_problem_with_the_id(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ValueError("unexpected")

    start, body = _run(fail, caplog)
    headers = dict(start["headers"])
    assert start["status"] == 500
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"x-request-id"] in body["body"]
    [record] = caplog.records
    assert record.exc_info is not None


def test_half_an_answer_is_not_followed_by_another(caplog: pytest.LogCaptureFixture) -> None:
    async def fail_late(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("too late")

    with pytest.raises(ValueError, match="too late"):
        _run(fail_late, caplog)
    [record] = caplog.records
    assert (record.__dict__["status"], record.levelname) == (500, "ERROR")


def test_a_request_whose_client_is_gone_counts_as_such(caplog: pytest.LogCaptureFixture) -> None:
    async def give_up(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        _run(give_up, caplog)
    assert [record.__dict__["status"] for record in caplog.records] == [CLIENT_GONE]


@pytest.mark.parametrize(
    ("status", "seconds", "level"),
    [(200, 0.1, None), (404, 0.1, None), (503, 0.1, logging.ERROR), (200, 60, logging.WARNING)],
)
def test_what_failed_and_what_was_slow_gets_a_line(status: int, seconds: float, level: int | None) -> None:
    assert NONE.level(status, seconds) == level
