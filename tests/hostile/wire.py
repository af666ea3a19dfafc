"""Bytes on the wire: what an HTTP library would not send, and all of what comes back."""

import json
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

WAIT = 20.0  # seconds, on a busy machine


@dataclass(frozen=True)
class Answer:
    """What the server sent until it closed, or fell silent; ``sent`` counts the bytes that it was sent."""

    raw: bytes
    sent: int
    reset: bool

    @property
    def status(self) -> int:
        """Of the first response."""
        return int(self.raw.split(b" ", 2)[1])

    @property
    def headers(self) -> dict[str, str]:
        """Of the first response, their names in lower case."""
        lines = self.raw.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    @property
    def problem(self) -> dict[str, Any]:
        """The first response's body, which must be a problem document with its request id."""
        assert self.headers["content-type"] == "application/problem+json", self.raw[:300]
        body = self.raw.partition(b"\r\n\r\n")[2][: int(self.headers["content-length"])]
        problem: dict[str, Any] = json.loads(body)
        assert problem["status"] == self.status
        assert problem["request_id"] == self.headers["x-request-id"]
        return problem


def exchange(port: int, *pieces: bytes, more: Iterable[bytes] = (), first: bool = False) -> Answer:
    """Send ``pieces`` and then ``more``, and look for an answer once all is sent or the server has closed.

    With ``first`` the first response is all that is waited for, else that the server closes.
    """
    sent, reset, received = 0, False, b""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as connection:
        try:
            for pieces_of in (pieces, more):
                for piece in pieces_of:
                    connection.sendall(piece)
                    sent += len(piece)
        except ConnectionError:
            reset = True
        try:
            while not (first and _is_whole(received)) and (got := connection.recv(2**16)):
                received += got
        except ConnectionError:
            reset = True
        except TimeoutError:
            pass
    return Answer(received, sent, reset)


def _is_whole(received: bytes) -> bool:
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    return length is not None and len(body) >= int(length[1])


def build_request(
    start: str = "GET /healthz", *headers: str, body: bytes = b"", length: int | None = None
) -> bytes:
    """A request as bytes; ``length`` where its Content-Length is not that of its body."""
    count = len(body) if length is None else length
    lines = [
        f"{start} HTTP/1.1",
        "Host: chartcast",
        *headers,
        *([f"Content-Length: {count}"] if count else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
