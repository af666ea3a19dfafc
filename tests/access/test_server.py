"""Who is answered by a real server, over real sockets."""

import http.client
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.access.keys import LOOK_AGAIN
from tests.access.stored_keys import bearer, store_key
from tests.bench.processes import UP_SECONDS, Server, serve, start

ANYWHERE = "0.0.0.0"


def _own_address() -> str:
    """An address of this machine that is not on loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it says by which address it would
        except OSError:
            pytest.skip("this machine has no address but loopback")
        address: str = probe.getsockname()[0]
    if address.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    return address


def _ask(connection: http.client.HTTPConnection, path: str = "/models", **headers: str) -> int:
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _connect(server: Server, address: str = "127.0.0.1") -> http.client.HTTPConnection:
    return http.client.HTTPConnection(address, server.port, timeout=20)


def _wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + UP_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("the server did not come up")


def _environment(url: str, models: Path) -> dict[str, str]:
    # As careless as can be: whoever asks may say where from, if anybody listened.
    return {
        "CHARTCAST_DATABASE_URL": url,
        "CHARTCAST_MODELS_DIR": str(models),
        "FORWARDED_ALLOW_IPS": "*",
    }


@pytest.fixture
def server(sqlite_database_url: str, published_bundles: Path) -> Iterator[Server]:
    environment = _environment(sqlite_database_url, published_bundles)
    with serve("app.main:app", environment, "--host", ANYWHERE) as started:
        yield started


def test_without_keys_a_server_on_all_addresses_answers_this_machine_alone_and_then_its_keys(
    server: Server, sqlite_database_url: str
) -> None:
    own = _own_address()
    assert _ask(_connect(server)) == 200
    assert _ask(_connect(server, own)) == 403
    assert _ask(_connect(server, own), "/healthz") == 200
    spoofs = {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1", "X-Real-IP": "127.0.0.1"}
    for name, value in spoofs.items():
        assert _ask(_connect(server, own), **{name: value}) == 403
        assert _ask(_connect(server), **{name: value}) == 403
    assert _ask(_connect(server), Host="evil.example") == 403

    key = store_key(sqlite_database_url, "predict")
    time.sleep(LOOK_AGAIN)
    assert _ask(_connect(server)) == 401
    assert _ask(_connect(server, own), **bearer(key)) == 200
    assert _ask(_connect(server), "/audit", **bearer(key)) == 403


def test_a_unix_socket_has_no_address_and_needs_a_key(
    sqlite_database_url: str, published_bundles: Path, tmp_path: Path
) -> None:
    path = tmp_path / "socket"
    command = ["-m", "uvicorn", "app.main:app", "--uds", str(path), "--log-level", "warning"]

    class Connection(http.client.HTTPConnection):
        def connect(self) -> None:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(20)
            self.sock.connect(str(path))

    with start(command, _environment(sqlite_database_url, published_bundles)) as process:
        _wait_for(path, process)
        assert _ask(Connection("localhost"), "/healthz") == 200
        assert _ask(Connection("localhost")) == 403
