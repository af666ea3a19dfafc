"""A service that is asked to stop lets the requests under way end, takes no new ones, and ends with 0."""

import signal
import socket
import time
from pathlib import Path

from tests.faults.servers import SECONDS, Server, as_charts, fill, last_charts, later, read_charts, serving
from tests.sample import Sample, to_csv


def test_a_request_under_way_ends_and_then_the_service_does(
    sqlite_database_url: str, sample: Sample, tmp_path: Path
) -> None:
    before, rows = fill(sqlite_database_url, sample), later(last_charts(sample, 1), 1)
    with serving(sqlite_database_url, tmp_path, program=("app", "serve")) as server:
        upload = _begin_upload(server, to_csv(rows))
        server.process.send_signal(signal.SIGTERM)
        _wait_until_refused(server)
        assert server.process.poll() is None
        assert upload.end().startswith(b"HTTP/1.1 201 ")
        assert server.wait() == 0
    assert read_charts(sqlite_database_url) == before | as_charts(rows)


def test_workers_end_their_requests_too(sqlite_database_url: str, sample: Sample, tmp_path: Path) -> None:
    before, rows = fill(sqlite_database_url, sample), later(last_charts(sample, 1), 1)
    with serving(sqlite_database_url, tmp_path, "--workers", "2") as server:
        upload = _begin_upload(server, to_csv(rows))
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)  # their supervisor passes it on
        assert upload.end().startswith(b"HTTP/1.1 201 ")
        assert server.wait() == 0
    assert read_charts(sqlite_database_url) == before | as_charts(rows)


class _Upload:
    """An upload of which the service has asked for the body, and does not have it yet."""

    def __init__(self, connection: socket.socket, body: bytes) -> None:
        self._connection = connection
        self._body = body

    def end(self) -> bytes:
        """Send the body; return what is answered."""
        with self._connection:
            self._connection.sendall(self._body)
            return self._connection.recv(65536)


def _begin_upload(server: Server, body: bytes) -> _Upload:
    assert server.client.get("/healthz").status_code == 200
    connection = _connect(server)
    head = (
        "POST /ingest HTTP/1.1",
        "Host: localhost",
        "Content-Type: text/csv",
        f"Content-Length: {len(body)}",
        "Expect: 100-continue",
    )
    connection.sendall("\r\n".join([*head, "", ""]).encode())
    assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")  # sent as the endpoint begins to read
    return _Upload(connection, body)


def _connect(server: Server) -> socket.socket:
    url = server.client.base_url
    return socket.create_connection((url.host, url.port or 80), SECONDS)


def _wait_until_refused(server: Server) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            _connect(server).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.02)
    raise AssertionError("it still takes connections")
