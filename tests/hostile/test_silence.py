"""Clients that fall silent or hang up: they are waited for no longer than that, and are no errors of ours."""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from app import server as server_room
from app.config import Settings
from app.main import create_app
from app.server import BoundedProtocol
from tests.hostile.wire import WAIT, build_request

JSON = "Content-Type: application/json"


@pytest.fixture
def port(sqlite_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A server in this process that loses its patience in half a second."""
    monkeypatch.setattr(server_room, "PATIENCE", 0.5)
    settings = Settings(_env_file=None, database_url=sqlite_database_url, models_dir=tmp_path)  # type: ignore[call-arg]
    config = uvicorn.Config(create_app(settings), port=0, http=BoundedProtocol, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=WAIT)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost:",
        build_request("POST /predict", JSON, length=100),
        build_request("POST /predict", JSON, length=100) + b'{"track',
        build_request("POST /predict", JSON, "Transfer-Encoding: chunked") + b"5\r\n",
    ],
    ids=["nothing", "half a head", "no body", "half a body", "half a chunk"],
)
def test_a_silent_client_is_closed_on(port: int, sent: bytes) -> None:
    with _connect(port) as connection:
        connection.sendall(sent)
        assert connection.recv(100) == b""


def test_a_client_that_dribbles_a_head_is_closed_on_all_the_same(port: int) -> None:
    with _connect(port) as connection, pytest.raises(ConnectionError):
        _dribble(connection)


def _dribble(connection: socket.socket) -> None:
    for _ in range(100):
        connection.sendall(b"X")
        time.sleep(0.1)


def test_a_slow_client_that_goes_on_with_its_body_is_waited_for(port: int) -> None:
    with _connect(port) as connection:
        connection.sendall(build_request("POST /predict", JSON, "Connection: close", length=15))
        for _ in range(15):
            connection.sendall(b" ")
            time.sleep(0.1)
        assert connection.recv(100).startswith(b"HTTP/1.1 422 ")


@pytest.mark.parametrize(
    "start", ["POST /predict", "POST /ingest", "PUT /tracks/4umIPjkehX1r7uhmGvXiSV/metadata"]
)
def test_a_client_that_hangs_up_is_no_error_of_ours(
    port: int, start: str, caplog: pytest.LogCaptureFixture
) -> None:
    with _connect(port) as connection:
        connection.sendall(build_request(start, JSON, length=100) + b'{"track')
    with _connect(port) as connection:
        connection.sendall(build_request("GET /healthz", "Connection: close"))
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
