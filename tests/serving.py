"""The app, started on a store and a folder of bundles, and answers held to its promises."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import event

from app.config import Settings
from app.main import create_app

LOCAL = ("127.0.0.1", 50000)  # TestClient's own "testclient" is no address, and not answered without a key


@contextmanager
def serve(database_url: str, models_dir: Path, **settings: Any) -> Iterator[TestClient]:
    """A client of the app with the bundles in ``models_dir`` alone: none of those that ship with it."""
    given = Settings(_env_file=None, database_url=database_url, models_dir=models_dir, **settings)  # type: ignore[call-arg]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.main.SHIPPED_BUNDLES", models_dir / "none" / "shipped")
        with TestClient(create_app(given), raise_server_exceptions=False, client=LOCAL) as client:
            yield client


def predict(client: TestClient, track_id: str, region: str | None = "ph", **fields: Any) -> dict[str, Any]:
    """The answer of a prediction that must succeed."""
    answer = client.post("/predict", json={"track_id": track_id, "region": region, **fields})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def predict_batch(client: TestClient, items: list[dict[str, Any]], **fields: Any) -> list[dict[str, Any]]:
    """The results of a batch that must be taken."""
    answer = client.post("/predict/batch", json={"items": items, **fields})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def refuse(answer: Response, status: int) -> dict[str, Any]:
    """The problem document of an answer that must be one, with everything that is promised of it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem.keys() - {"errors"} == {"type", "title", "status", "detail", "instance", "request_id"}
    assert problem["type"].startswith("urn:chartcast:problem:")
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    return problem


@contextmanager
def recorded_statements(client: TestClient) -> Iterator[list[str]]:
    """The SQL that the app sends meanwhile, begin and end of transactions aside."""
    engine = client.app.state.database.engine  # type: ignore[attr-defined]
    statements: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # Keys are looked at by the clock, whatever is asked.
        if not statement.startswith("BEGIN") and "FROM api_keys" not in statement:
            statements.append(statement)

    event.listen(engine, "before_cursor_execute", record)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", record)
