"""What every answer carries for the browser, and which other sites' pages may ask."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import ValidationError

from app.access.rules import Rule, requires
from app.config import Settings
from tests.access.stored_keys import bearer, store_key
from tests.serving import LOCAL, refuse, serve

ORIGIN = "https://dashboard.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}


@pytest.fixture
def url(sqlite_database_url: str) -> str:
    return sqlite_database_url


@pytest.mark.parametrize("path", ["/healthz", "/models", "/nowhere", "/predict", "/openapi.json", "/docs"])
def test_every_answer_is_told_to_stay_what_it_is(url: str, published_bundles: Path, path: str) -> None:
    with serve(url, published_bundles) as client:
        headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'; frame-ancestors 'none'" in headers["content-security-policy"]
    assert ("cache-control" in headers) == (path != "/docs")


def test_so_is_the_answer_to_what_broke(url: str, published_bundles: Path) -> None:
    with serve(url, published_bundles) as client:
        app: FastAPI = client.app  # type: ignore[assignment]

        @app.get("/broken")
        @requires(Rule.ALWAYS)
        def broken() -> None:
            raise RuntimeError("postgresql://somebody:secret@host/name")

        answer = client.get("/broken")
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_pages_of_the_documentation_may_load_what_they_name(url: str, published_bundles: Path) -> None:
    with serve(url, published_bundles) as client:
        for path in ("/docs", "/redoc"):
            page = client.get(path)
            policy = page.headers["content-security-policy"]
            hosts = {part.split("/")[2] for part in page.text.split('"') if part.startswith("https://")}
            assert hosts
            assert all(host in policy for host in hosts), (path, hosts)
            assert "script-src 'unsafe-inline'" in policy
            assert "connect-src 'self'" in policy


def _ask(client: TestClient, headers: dict[str, str]) -> dict[str, Any]:
    return dict(client.options("/predict", headers={**PREFLIGHT, **headers}).headers)


def test_no_other_site_may_ask_by_default(url: str, published_bundles: Path) -> None:
    with serve(url, published_bundles) as client:
        assert not [name for name in _ask(client, {}) if name.startswith("access-control")]
        refuse(client.get("/models", headers={"Origin": ORIGIN}), 403)


def test_an_origin_of_the_settings_may_ask_and_read_refusals(url: str, published_bundles: Path) -> None:
    key = store_key(url, "predict")
    with serve(url, published_bundles, cors_origins=f"{ORIGIN}, https://other.example:8443") as client:
        headers = _ask(client, {})
        assert headers["access-control-allow-origin"] == ORIGIN
        assert "Authorization" in headers["access-control-allow-headers"]
        assert "access-control-allow-origin" not in _ask(client, {"Origin": "https://evil.example"})
        refused = client.get("/models", headers={"Origin": ORIGIN})
        refuse(refused, 401)
        assert refused.headers["access-control-allow-origin"] == ORIGIN
        assert "Retry-After" in refused.headers["access-control-expose-headers"]
        assert client.get("/models", headers={"Origin": ORIGIN, **bearer(key)}).is_success


def test_without_keys_an_origin_of_the_settings_may_ask_from_this_machine(
    url: str, published_bundles: Path
) -> None:
    with serve(url, published_bundles, cors_origins=ORIGIN) as client:
        assert client.get("/models", headers={"Origin": ORIGIN}).is_success
        stranger = TestClient(client.app, client=("192.0.2.7", 1))
        assert LOCAL[0] != "192.0.2.7"
        refuse(stranger.get("/models", headers={"Origin": ORIGIN}), 403)


@pytest.mark.parametrize("given", ["example.org", "https://example.org/", "https://*.example.org", "null"])
def test_what_is_no_origin_is_refused_at_the_start(given: str) -> None:
    with pytest.raises(ValidationError, match="write scheme and host"):
        Settings(_env_file=None, cors_origins=given)  # type: ignore[call-arg,arg-type]


def test_settings_show_no_password() -> None:
    url = "postgresql+psycopg://somebody:secret@host/name"
    settings = Settings(_env_file=None, database_url=url)  # type: ignore[call-arg]
    assert "secret" not in repr(settings)
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=None, database_url=url, rate_limit=-1)  # type: ignore[call-arg]
    assert "secret" not in str(caught.value)
