"""The OpenAPI document, held against a committed snapshot, and what integrators may expect of it.

After a change that is meant to show in the document, renew the snapshot and commit it with the change:

    python -m tests.test_openapi
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from app.main import create_app

SNAPSHOT = Path(__file__).parent / "data" / "openapi.json"
ALWAYS_ANSWERED = {
    "/healthz",
    "/metrics",
    "/models",
    "/models/reload",
}  # without parameters, there is nothing to refuse


def build_document() -> dict[str, Any]:
    """The document as it is served."""
    settings = Settings(_env_file=None)  # type: ignore[call-arg]
    document: dict[str, Any] = json.loads(json.dumps(create_app(settings).openapi()))
    return document


def renew_snapshot() -> None:
    """Write the snapshot anew."""
    text = json.dumps(build_document(), indent=1, sort_keys=True, ensure_ascii=False)
    SNAPSHOT.write_text(text + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build_document()


def _operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_document_is_the_snapshot(document: dict[str, Any]) -> None:
    """Fails on any change: one that is meant is made so by ``python -m tests.test_openapi``."""
    assert document == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_the_paths_of_the_contract_are_there(document: dict[str, Any]) -> None:
    promised = {
        "POST /predict", "POST /predict/batch", "POST /ingest", "GET /tracks", "POST /tracks/metadata",
        "PUT /tracks/{track_id}/metadata", "GET /tracks/{track_id}", "GET /tracks/{track_id}/history",
        "GET /charts/{region}/{date}", "GET /models", "POST /models/reload", "GET /healthz", "GET /readyz",
        "GET /metrics",
    }  # fmt: skip
    assert promised <= {name for name, _ in _operations(document)}


def test_every_operation_says_what_it_does_under_a_name_of_its_own(document: dict[str, Any]) -> None:
    operations = _operations(document)
    lacking = [name for name, o in operations if not (o.get("summary") and o.get("description"))]
    assert lacking == []
    ids = Counter(operation["operationId"] for _, operation in operations)
    assert max(ids.values()) == 1
    assert all(operation["tags"] for _, operation in operations)


def test_every_refusal_is_declared_as_a_problem_document(document: dict[str, Any]) -> None:
    for name, operation in _operations(document):
        refusals = {s: r for s, r in operation["responses"].items() if not s.startswith("2")}
        assert refusals or name.split()[1] in ALWAYS_ANSWERED, name
        takes_input = operation.get("parameters") or "requestBody" in operation
        assert not takes_input or "422" in refusals, name
        for status, response in refusals.items():
            content = response["content"]
            assert list(content) == ["application/problem+json"], (name, status)
            schema = content["application/problem+json"]["schema"]
            first = schema.get("allOf", [schema])[0]  # an upload's lists its bad rows beside
            assert first == {"$ref": "#/components/schemas/Problem"}, (name, status)


def test_every_body_that_is_text_comes_with_an_example(document: dict[str, Any]) -> None:
    for name, operation in _operations(document):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            if kind != "multipart/form-data":
                schema = _resolve(document, content["schema"])
                assert content.get("example") or content.get("examples") or schema.get("examples"), (
                    name,
                    kind,
                )


def test_every_field_of_a_forecast_is_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    told = ("description", "examples", "$ref")
    for model in ("PredictRequest", "BatchRequest", "BatchItem", "Prediction", "DayForecast", "UsedModel"):
        for field, schema in schemas[model]["properties"].items():
            assert any(key in schema for key in told), (model, field)


def test_every_reference_resolves_and_a_problem_has_the_fields_promised(document: dict[str, Any]) -> None:
    references = [node["$ref"] for node in _walk(document) if isinstance(node.get("$ref"), str)]
    assert references
    for reference in references:
        assert _resolve(document, {"$ref": reference})
    problem = document["components"]["schemas"]["Problem"]
    assert set(problem["required"]) == {"type", "title", "status", "detail", "instance", "request_id"}
    assert "errors" in problem["properties"]


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _walk(child)


if __name__ == "__main__":
    renew_snapshot()
