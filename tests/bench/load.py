"""The load generator: N keep-alive HTTP/1.1 connections on loopback, a fixed number of requests.

It is the same for a floor and for the service, and light: a client that is slower than the server measures
itself. A connection sends its next request when its last one is answered; every answer's status is checked.
"""

import asyncio
import gc
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import nan
from time import perf_counter
from typing import Any, cast

import numpy as np

TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Load:
    """What came of a run.

    Attributes:
        seconds: From the first request to the last answer.
        latencies: Of each request, in seconds, in the order of the requests.
        bodies: The answers, where they were to be kept.
    """

    seconds: float
    latencies: list[float]
    bodies: list[bytes]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, percent: float) -> float:
        """A percentile of the latencies, in seconds."""
        return float(np.percentile(self.latencies, percent))


def build_post(path: str, body: bytes | dict[str, Any], content_type: str = "application/json") -> bytes:
    """A request as it goes over the wire."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: {content_type}\r\n"
    return f"{head}content-length: {len(data)}\r\n\r\n".encode() + data


def run_load(
    port: int,
    requests: Sequence[bytes],
    connections: int = 1,
    *,
    status: Sequence[int] = (200,),
    keep: bool = False,
) -> Load:
    """Send every request once, over so many connections.

    Raises:
        RuntimeError: an answer has another status, or a connection was lost.
        TimeoutError: it took over ``TIMEOUT_SECONDS``.
    """
    run = _Run(port, requests, frozenset(status), keep)
    gc.collect()
    gc.disable()  # a collection in here would be taken for a slow answer
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(asyncio.wait_for(run.run(min(connections, len(requests))), TIMEOUT_SECONDS))
    finally:
        gc.enable()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    with suppress(ImportError):  # there is none for Windows
        import uvloop

        return uvloop.new_event_loop
    return None


class _Run:
    def __init__(self, port: int, requests: Sequence[bytes], status: frozenset[int], keep: bool) -> None:
        self.port, self.status, self.keep = port, status, keep
        self.waiting: Iterator[tuple[int, bytes]] = iter(enumerate(requests))
        self.latencies = [nan] * len(requests)
        self.bodies: list[bytes] = []
        self.open = 0

    async def run(self, connections: int) -> Load:
        loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = loop.create_future()
        made = [
            await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self.port)
            for _ in range(connections)
        ]
        self.open = connections
        start = perf_counter()
        for _, connection in made:
            connection.send_next()
        try:
            await self.done
            seconds = perf_counter() - start
        finally:
            for transport, _ in made:
                transport.close()
            await asyncio.sleep(0)  # a turn of the loop, in which they are
        return Load(seconds, self.latencies, self.bodies)

    def fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(why))

    def close_one(self) -> None:
        self.open -= 1
        if not self.open and not self.done.done():
            self.done.set_result(None)


class _Connection(asyncio.Protocol):
    """One request at a time: send, gather the answer by its content-length, send the next."""

    def __init__(self, run: _Run) -> None:
        self.run = run
        self.buffer = b""
        self.sent = 0.0
        self.place = 0  # of the request under way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def send_next(self) -> None:
        waiting = next(self.run.waiting, None)
        if waiting is None:
            self.run.close_one()
            return
        self.place, request = waiting
        self.sent = perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if found and len(body) >= _content_length(head):
            self._take(int(head[9:12]), body)

    def _take(self, status: int, body: bytes) -> None:
        self.run.latencies[self.place] = perf_counter() - self.sent
        self.buffer = b""
        if status not in self.run.status:
            self.run.fail(f"answered {status}: {body[:500]!r}")
            return
        if self.run.keep:
            self.run.bodies.append(body)
        self.send_next()

    def connection_lost(self, _error: Exception | None) -> None:
        self.run.fail("the server closed a connection")


def _content_length(head: bytes) -> int:
    # Anything else than a plain length (chunks, say) is no answer of the servers measured here.
    _, found, rest = head.lower().partition(b"content-length:")
    if not found:
        raise ValueError(f"an answer without a length: {head!r}")
    return int(rest.partition(b"\r\n")[0])
