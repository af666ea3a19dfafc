"""Charts as ``POST /ingest`` takes them, and what sends them."""

from typing import Any

from fastapi.testclient import TestClient
from httpx import Response

from tests.ingest.chart_files import Row, build_csv, track_of

THREE: list[Row] = [(1, "A", 300), (2, "B", 200), (3, "C", 100)]
CSV = build_csv("2020-12-30", THREE)
ENTRIES: list[dict[str, Any]] = [
    {"position": place, "track_id": track_of(letter), "streams": streams} for place, letter, streams in THREE
]
BODY = {"region": "ph", "date": "2020-12-30", "entries": ENTRIES}


def send(client: TestClient, content: str | bytes, kind: str = "text/csv", **query: Any) -> Response:
    answer: Response = client.post("/ingest", content=content, headers={"Content-Type": kind}, params=query)
    return answer


def send_json(client: TestClient, body: object, **query: Any) -> Response:
    answer: Response = client.post("/ingest", json=body, params=query)
    return answer


def send_files(client: TestClient, files: dict[str, str | bytes], **query: Any) -> Response:
    answer: Response = client.post("/ingest", files=[("file", item) for item in files.items()], params=query)
    return answer


def assert_problem(answer: Response, status: int, said: str = "") -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert said in problem["detail"]
    return problem
