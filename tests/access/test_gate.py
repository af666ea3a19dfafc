"""Who may do what, over HTTP."""

import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from app.access.rules import Rule, requires, rule_of
from app.config import Settings
from app.main import create_app
from tests.access.stored_keys import bearer, opened, store_key
from tests.serving import refuse, serve

TRACK = "0kN8xEmgMW9mh7UmDYHlJP"
# Everything there is, with a request that is well-formed enough to get past the gate.
WHO_MAY: dict[tuple[str, str], Rule] = {
    ("GET", "/healthz"): Rule.ALWAYS,
    ("GET", "/readyz"): Rule.ALWAYS,
    ("GET", "/docs"): Rule.PUBLIC,
    ("GET", "/redoc"): Rule.PUBLIC,
    ("GET", "/openapi.json"): Rule.PUBLIC,
    ("POST", "/predict"): Rule.PREDICT,
    ("POST", "/predict/batch"): Rule.PREDICT,
    ("GET", "/tracks"): Rule.PREDICT,
    ("GET", "/tracks/{track_id}"): Rule.PREDICT,
    ("GET", "/tracks/{track_id}/history"): Rule.PREDICT,
    ("GET", "/charts/{region}/{date}"): Rule.PREDICT,
    ("GET", "/artists"): Rule.PREDICT,
    ("GET", "/artists/{artist}"): Rule.PREDICT,
    ("POST", "/predict/artist"): Rule.PREDICT,
    ("GET", "/models"): Rule.PREDICT,
    ("GET", "/metrics"): Rule.PREDICT,
    ("POST", "/ingest"): Rule.INGEST,
    ("POST", "/tracks/metadata"): Rule.INGEST,
    ("PUT", "/tracks/{track_id}/metadata"): Rule.INGEST,
    ("POST", "/models/reload"): Rule.ADMIN,
    ("GET", "/audit"): Rule.ADMIN,
    ("GET", "/audit/{batch_id}/corrections"): Rule.ADMIN,
}
REFUSALS = {401, 403, 429}
Keys = dict[str | None, dict[str, str]]


def _app() -> FastAPI:
    return create_app(Settings(_env_file=None))  # type: ignore[call-arg]


def _routes(app: FastAPI) -> Iterator[tuple[str, str, Rule | None]]:
    for context in iter_route_contexts(app.routes):
        for method in (context.methods or set()) - {"HEAD"}:
            path = re.sub(r":\w+}", "}", str(context.path))  # without convertors
            yield method, path, rule_of(context.endpoint)


def test_every_route_says_who_may_and_this_table_has_them_all() -> None:
    assert {(method, path): rule for method, path, rule in _routes(_app())} == WHO_MAY


@pytest.fixture
def keys(sqlite_database_url: str) -> Keys:
    """What a request with each kind of key carries; None: nothing."""
    scopes = ("predict", "ingest", "admin")
    return {None: {}, **{scope: bearer(store_key(sqlite_database_url, scope)) for scope in scopes}}


@pytest.fixture
def with_keys(sqlite_database_url: str, published_bundles: Path, keys: Keys) -> Iterator[TestClient]:
    assert keys
    with serve(sqlite_database_url, published_bundles) as client:
        yield client


def _ask(client: TestClient, method: str, path: str, headers: dict[str, str]) -> Any:
    names = {"track_id": TRACK, "artist": "Ada", "region": "ph", "date": "2020-12-30", "batch_id": 1}
    url = path.format(**names)
    return client.request(method, url, headers=headers)


@pytest.mark.parametrize(("method", "path"), WHO_MAY)
def test_each_route_is_open_to_exactly_whom_the_table_says(
    with_keys: TestClient, keys: Keys, method: str, path: str
) -> None:
    rule = WHO_MAY[method, path]
    for scope, headers in keys.items():
        status = _ask(with_keys, method, path, headers).status_code
        if rule <= Rule.PUBLIC or (scope and Rule[scope.upper()] >= rule):
            assert status not in REFUSALS, scope
        else:
            assert status == (403 if scope else 401), scope


@pytest.mark.parametrize(("method", "path"), WHO_MAY)
def test_without_keys_each_route_but_those_of_health_is_for_this_machine_alone(
    sqlite_database_url: str, published_bundles: Path, method: str, path: str
) -> None:
    with serve(sqlite_database_url, published_bundles) as local:
        assert _ask(local, method, path, {}).status_code not in REFUSALS
        stranger = TestClient(local.app, client=("192.0.2.7", 1234), raise_server_exceptions=False)
        answer = _ask(stranger, method, path, {})
        if WHO_MAY[method, path] is Rule.ALWAYS:
            assert answer.status_code not in REFUSALS
        else:
            assert "keys create" in refuse(answer, 403)["detail"]
        forwarded = _ask(local, method, path, {"X-Forwarded-For": "127.0.0.1"})
        assert (forwarded.status_code == 403) == (WHO_MAY[method, path] is not Rule.ALWAYS)


def test_refusals_are_problem_documents_that_say_how_to_get_in(with_keys: TestClient, keys: Keys) -> None:
    answer = with_keys.get("/models", headers={"X-Request-ID": "abc-1"})
    assert refuse(answer, 401)["request_id"] == "abc-1"
    assert answer.headers["www-authenticate"] == "Bearer"
    answer = with_keys.post("/models/reload", headers=keys["ingest"])
    assert "needs a key of scope admin; somebody has ingest" in refuse(answer, 403)["detail"]
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="admin"'


def test_a_key_that_is_no_longer_good_is_refused(
    sqlite_database_url: str, published_bundles: Path, keys: Keys
) -> None:
    revoked = store_key(sqlite_database_url, "admin", revoked=True)
    with serve(sqlite_database_url, published_bundles) as client:
        good = keys["admin"]["Authorization"]
        for header in (f"Bearer {revoked}", good.swapcase(), good + "x", "Basic YTpi", "Bearer"):
            answer = client.get("/models", headers={"Authorization": header})
            assert refuse(answer, 401)["type"] == "urn:chartcast:problem:not-authenticated"
            assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
        assert client.get("/models", headers={"Authorization": good.replace("Bearer", "bearer")}).is_success
        twice = [("Authorization", good), ("Authorization", good)]
        assert "several" in refuse(client.get("/models", headers=twice), 401)["detail"]


def test_with_keys_this_machine_needs_one_too_and_a_proxy_is_welcome(
    with_keys: TestClient, keys: Keys
) -> None:
    refuse(with_keys.get("/models"), 401)
    stranger = TestClient(with_keys.app, client=("192.0.2.7", 1234))
    assert stranger.get("/models", headers={**keys["predict"], "X-Forwarded-For": "198.51.100.3"}).is_success


def test_a_body_is_not_read_before_its_sender_is_let_in(with_keys: TestClient) -> None:
    async def never() -> Any:
        raise AssertionError("the body was read")

    started: list[Any] = []

    async def send(message: Any) -> None:
        started.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/ingest",
        "raw_path": b"/ingest",
        "query_string": b"",
        "headers": [(b"host", b"x"), (b"content-type", b"text/csv")],
        "client": ("192.0.2.7", 1),
        "server": ("x", 80),
        "scheme": "http",
    }
    with_keys.portal.call(with_keys.app, scope, never, send)  # type: ignore[union-attr]
    assert started[0]["status"] == 401


def test_unknown_paths_and_methods_are_told_only_to_whom_may_read(with_keys: TestClient, keys: Keys) -> None:
    refuse(with_keys.get("/nowhere"), 401)
    refuse(with_keys.delete("/models"), 401)
    refuse(with_keys.get("/nowhere", headers=keys["predict"]), 404)
    answer = with_keys.delete("/models", headers=keys["predict"])
    assert refuse(answer, 405)
    assert answer.headers["allow"] == "GET"
    refuse(with_keys.get("/models/", headers=keys["predict"]), 404)
    refuse(with_keys.get("/healthz/"), 401)
    refuse(with_keys.get("//healthz/../models"), 401)


def test_a_route_that_declares_nothing_is_closed_to_everybody(
    sqlite_database_url: str, published_bundles: Path, keys: Keys
) -> None:
    with serve(sqlite_database_url, published_bundles) as client:
        app: FastAPI = client.app  # type: ignore[assignment]

        @app.get("/forgotten")
        def forgotten() -> str:
            raise AssertionError("it ran")

        answer = client.get("/forgotten", headers=keys["admin"])
        assert "declares no rule" in refuse(answer, 403)["detail"]

        @app.get("/late")
        @requires(Rule.PREDICT)
        def late() -> str:
            return "served"

        refuse(client.get("/late", headers=keys["admin"]), 404)  # the routes are read at the first request


def test_twenty_threads_get_no_more_than_the_limit_and_are_told_when_to_come_back(
    database_url: str, published_bundles: Path
) -> None:
    header = bearer(store_key(database_url, "predict"))
    other = bearer(store_key(database_url, "predict"))
    with serve(database_url, published_bundles, rate_limit=30) as client:
        with ThreadPoolExecutor(20) as threads:
            answers = list(threads.map(lambda _: client.get("/models", headers=header), range(60)))
        statuses = sorted(answer.status_code for answer in answers)
        passed = statuses.count(200)
        assert 30 <= passed <= 33  # one comes back every two seconds
        assert statuses == [200] * passed + [429] * (60 - passed)
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refuse(refused, 429)
        assert 1 <= int(refused.headers["retry-after"]) <= 2
        assert client.get("/models", headers=other).is_success
        assert client.get("/healthz").is_success


def test_without_keys_there_is_no_limit(sqlite_database_url: str, published_bundles: Path) -> None:
    with serve(sqlite_database_url, published_bundles, rate_limit=1) as client:
        assert all(client.get("/models").is_success for _ in range(5))


def test_the_start_says_who_is_answered(
    sqlite_database_url: str, published_bundles: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.access")
    with serve(sqlite_database_url, published_bundles):
        assert "there are no keys: only requests from this machine" in caplog.text
    caplog.clear()
    key = store_key(sqlite_database_url, "admin")
    with serve(sqlite_database_url, published_bundles):
        assert "a key is required" in caplog.text
    assert key not in caplog.text


def test_no_log_has_a_key_in_it(with_keys: TestClient, keys: Keys, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    unknown = bearer("chartcast_unknown")
    for headers in (keys["predict"], keys["admin"], unknown):
        with_keys.post("/models/reload", headers=headers)
        with_keys.post("/ingest", headers=headers, content=b"x")
    assert caplog.records
    assert not [h for h in (*keys.values(), unknown) if h and h["Authorization"].split()[1] in caplog.text]


def test_documentation_can_be_switched_off(sqlite_database_url: str, published_bundles: Path) -> None:
    with serve(sqlite_database_url, published_bundles, docs=False) as client:
        for path in ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"):
            assert "/docs lists" not in refuse(client.get(path), 404)["detail"]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_store_without_the_table_of_keys_lets_nobody_in(
    kind: str, request: pytest.FixtureRequest, published_bundles: Path
) -> None:
    url: str = request.getfixturevalue(f"{kind}_database_url")
    with opened(url) as database, database.write() as connection:
        connection.exec_driver_sql("DROP TABLE audit_events")
        connection.exec_driver_sql("DROP TABLE api_keys")
    with serve(url, published_bundles) as client:
        answer = client.get("/models")
        assert "/readyz says" in refuse(answer, 503)["detail"]
        assert answer.headers["retry-after"] == "5"
        assert client.get("/healthz").is_success


def test_a_key_made_while_it_serves_is_asked_for_at_the_next_look(
    sqlite_database_url: str, published_bundles: Path
) -> None:
    with serve(sqlite_database_url, published_bundles) as client:
        assert client.get("/models").is_success
        key = store_key(sqlite_database_url, "predict")
        client.app.state.gate.keyring.read()  # type: ignore[attr-defined]  # as it would by itself, two seconds on
        refuse(client.get("/models"), 401)
        assert client.get("/models", headers=bearer(key)).is_success
