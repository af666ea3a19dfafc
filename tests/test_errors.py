"""Errors are problem documents, whatever went wrong."""

from pathlib import Path

from fastapi.testclient import TestClient

from app.config import Settings
from app.main import create_app
from tests.serving import LOCAL


def test_an_unknown_path_is_a_problem_document_with_the_request_id(client: TestClient) -> None:
    answer = client.get("/nowhere", headers={"X-Request-ID": "abc-1"})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == "abc-1"
    assert answer.json()["instance"] == "/nowhere"


def test_an_insane_request_id_is_replaced(client: TestClient) -> None:
    answer = client.get("/nowhere", headers={"X-Request-ID": "a b\tc"})
    assert len(answer.headers["x-request-id"]) == 32


def test_a_method_that_a_path_does_not_take_is_a_problem_document(client: TestClient) -> None:
    answer = client.delete("/openapi.json")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert "GET" in answer.headers["allow"]


def test_a_store_that_was_never_migrated_is_not_available_rather_than_an_error_of_ours(
    tmp_path: Path,
) -> None:
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path / 'empty.db'}")  # type: ignore[call-arg]
    with TestClient(create_app(settings), raise_server_exceptions=False, client=LOCAL) as lone:
        answer = lone.get("/tracks")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "/readyz" in answer.json()["detail"]
