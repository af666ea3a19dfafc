"""uvicorn's HTTP/1.1 protocol with bounds of its own on what comes in before there is a request, or a body.

Left alone, it gathers headers of any size in memory, and waits for them and for the rest of a body forever.
"""

import asyncio
import json
import uuid

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.errors import PROBLEM_JSON

MAX_HEAD = 64 * 2**10  # bytes of a request line and headers, and of what stands between the pieces of a body
PATIENCE = 30.0  # seconds for a whole head, and for each next piece of a body


class BoundedProtocol(HttpToolsProtocol):
    """Refuses a head over ``MAX_HEAD``, closes on a client that is silent in mid-request for ``PATIENCE``.

    A head that comes within one read of the socket (256 KB at the most) may be larger.
    """

    _idle_bytes = 0  # received since the last end of a head or piece of a body
    _advanced = False  # whether what was just received held either
    _whole = False  # whether it ended a request
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """asyncio's call: a client is there."""
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio's call: the client has gone."""
        self._drop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """asyncio's call: the client has sent something."""
        self._advanced = self._whole = False
        super().data_received(data)
        if self._advanced:
            self._idle_bytes = 0
            self._drop_deadline()
        else:
            self._idle_bytes += len(data)
        if self._idle_bytes > MAX_HEAD and not self.transport.is_closing():
            self.send_400_response(f"The request line and headers are over {MAX_HEAD} bytes; send fewer.")
        elif not self._whole and self._deadline is None:
            self._set_deadline()

    def on_headers_complete(self) -> None:
        """The parser's call: a head is complete."""
        self._advanced = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """The parser's call: a piece of a body."""
        self._advanced = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The parser's call: a request is complete."""
        self._advanced = self._whole = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP request, as a problem document."""
        request_id = uuid.uuid4().hex
        document = {
            "type": "urn:chartcast:problem:bad-request",
            "title": "Bad request",
            "status": 400,
            "detail": msg,
            "instance": "",
            "request_id": request_id,
        }
        body = json.dumps(document).encode()
        head = (
            f"HTTP/1.1 400 Bad Request\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-length: {len(body)}\r\n"
            f"x-request-id: {request_id}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(PATIENCE, self._close_if_silent)

    def _drop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close_if_silent(self) -> None:
        self._deadline = None
        if self.flow.read_paused:  # it is we who do not read
            self._set_deadline()
        else:
            self.transport.close()
