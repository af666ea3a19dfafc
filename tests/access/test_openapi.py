"""What the OpenAPI document says of keys."""

from typing import Any

import pytest

from tests.access.test_gate import WHO_MAY
from tests.test_openapi import build_document


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build_document()


def test_the_scheme_is_a_bearer_key(document: dict[str, Any]) -> None:
    scheme = document["components"]["securitySchemes"]["bearer"]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


def test_each_operation_declares_its_scope_and_every_way_to_be_refused(document: dict[str, Any]) -> None:
    for (method, path), rule in WHO_MAY.items():
        operation = document["paths"].get(path, {}).get(method.lower())
        if operation is None:
            assert path in ("/docs", "/redoc", "/openapi.json")
        elif rule.scope in ("predict", "ingest", "admin"):
            assert operation["security"] == [{"bearer": [rule.scope]}]
            assert {"401", "403", "429"} <= operation["responses"].keys()
            assert "Retry-After" in operation["responses"]["429"]["headers"]
            assert "WWW-Authenticate" in operation["responses"]["401"]["headers"]
        else:
            assert "security" not in operation
            assert not {"401", "403", "429"} & operation["responses"].keys()
