"""No body is read beyond what the settings allow, and whoever sent too much still gets to see the answer.

Starlette's own limit answers in plain text and leaves the rest of the body unread: to close a connection on
that resets it, and the client may never see why.
"""

import asyncio
import contextlib

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.config import Settings
from app.errors import TooLargeError, problem_response

UPLOADS = ("/ingest", "/tracks/metadata")  # files may be larger than JSON
SMALL = 64 * 2**10  # bytes that the server has read by the time anybody answers
DRAIN_BYTES = 64 * 2**20
DRAIN_SECONDS = 5.0


class BodyLimitMiddleware:
    """Refuses a body over its limit: by its length before any of it is read, a chunked one once it is over.

    A small body that says how long it is passes untouched: the server hands on no more of it. (In HTTP/1.1
    one with neither a length nor chunks is none.)
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._limits = {"JSON": settings.max_json_bytes, "BODY": settings.max_body_bytes}
        self._small = min(SMALL, *self._limits.values())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        length = int(headers.get(b"content-length", 0))
        if length <= self._small and b"transfer-encoding" not in headers:
            await self.app(scope, receive, send)
            return
        name = _name_limit(scope["path"], headers.get(b"content-type", b""))
        limit = self._limits[name]
        over = TooLargeError(
            f"The body is over CHARTCAST_MAX_{name}_BYTES ({limit} bytes); send it in parts"
            + (", or gzip'd." if name == "BODY" else ".")
        )
        body = _Body(receive, send, limit, over)
        app = problem_response(Request(scope), over) if length > limit else self.app
        await app(scope, body.receive, body.send)


def _name_limit(path: str, kind: bytes) -> str:
    return "BODY" if path in UPLOADS and not kind.lower().startswith(b"application/json") else "JSON"


class _Body:
    """A body counted as it comes, and read on a little after an answer that came before its end."""

    def __init__(self, receive: Receive, send: Send, limit: int, over: TooLargeError) -> None:
        self._receive, self._send = receive, send
        self._left, self._over = limit, over
        self._ended = self._closing = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._ended = not message.get("more_body")
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise self._over
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not self._ended:
            self._closing = True
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        elif self._closing and not message.get("more_body"):
            await self._send({**message, "more_body": True})
            await self._drain()
            message = {"type": "http.response.body"}
        await self._send(message)

    async def _drain(self) -> None:
        left = DRAIN_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while left > 0 and not self._ended:
                    message = await self._receive()
                    self._ended = not message.get("more_body")
                    left -= len(message.get("body", b""))
