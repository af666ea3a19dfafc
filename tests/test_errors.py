"""Errors are problem documents, whatever went wrong."""

from fastapi.testclient import TestClient


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
