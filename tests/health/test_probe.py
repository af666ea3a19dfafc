"""The container's health check, on a server of its own."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn

from app.config import Settings
from app.health import probe
from app.main import create_app


@contextmanager
def _listening(settings: Settings) -> Iterator[int]:
    """The app on a free port."""
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.05)
        port: int = server.servers[0].sockets[0].getsockname()[1]
        yield port
    finally:
        server.should_exit = True
        thread.join(timeout=30)


def test_a_server_that_answers_is_alive_and_one_that_stopped_is_not(
    sqlite_database_url: str, tmp_path: Path
) -> None:
    settings = Settings(_env_file=None, database_url=sqlite_database_url, models_dir=tmp_path)  # type: ignore[call-arg]
    with _listening(settings) as port:
        assert probe.is_alive(port)
    assert not probe.is_alive(port)


def test_a_server_that_takes_calls_and_never_answers_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        assert not probe.is_alive(deaf.getsockname()[1])
