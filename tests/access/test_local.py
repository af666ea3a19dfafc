"""Without keys: who counts as this machine."""

from typing import Any

import pytest

from app.access.local import FORWARDING, is_loopback, refuse_strangers
from app.errors import ForbiddenError


def _scope(client: str | None = "127.0.0.1", **headers: str) -> dict[str, Any]:
    given = {"host": "localhost:8000", **headers}
    pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in given.items()]
    return {"client": None if client is None else (client, 1), "headers": pairs}


def _why_refused(scope: dict[str, Any], *allowed: str) -> str:
    with pytest.raises(ForbiddenError, match="keys create") as caught:
        refuse_strangers(scope, allowed)
    return caught.value.detail


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_a_loopback_peer_is_let_in(address: str) -> None:
    assert is_loopback(address)
    refuse_strangers(_scope(address), ())


@pytest.mark.parametrize(
    "address",
    [None, "192.0.2.2", "10.0.0.1", "0.0.0.0", "::", "fd00::2", "::ffff:192.0.2.2", "testclient", "localhost",
     "", "127.0.0.1.example.org", "/run/chartcast.sock", "2130706433"],
)  # fmt: skip
def test_any_other_peer_is_refused(address: str | None) -> None:
    assert "not on the loopback interface" in _why_refused(_scope(address))


@pytest.mark.parametrize("name", sorted(FORWARDING))
def test_a_request_that_was_forwarded_is_refused_whoever_forwarded_it(name: bytes) -> None:
    assert name.decode() in _why_refused(_scope(**{name.decode(): "127.0.0.1"}))
    assert name.decode() in _why_refused(_scope(**{name.decode(): ""}))


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1:8000",
        "[::1]:8000",
        "chartcast.localhost",
        "test",
        "",
        "0.0.0.0:8000",
        "[fd00::2]:80",
    ],
)
def test_names_of_this_machine_are_asked_for(host: str) -> None:
    refuse_strangers(_scope(host=host), ())


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8000", "localhost.", "1.2.3.4.5", "a" * 301]
)
def test_a_strangers_domain_that_resolves_to_this_machine_is_refused(host: str) -> None:
    assert "Host header" in _why_refused(_scope(host=host))


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:9", "http://localhost"])
def test_a_page_of_another_site_is_refused(origin: str) -> None:
    assert "page of another site" in _why_refused(_scope(origin=origin))
    _why_refused(_scope(origin=origin), "https://good.example")
    refuse_strangers(_scope(origin=origin), (origin,))
    refuse_strangers(_scope(origin=origin), ("*",))


def test_our_own_pages_are_let_in() -> None:
    refuse_strangers(_scope(origin="http://localhost:8000"), ())
