"""Keys in the OpenAPI document: the scheme, and what each operation requires and may be refused with."""

from collections.abc import Sequence
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute

from app.access.rules import SCOPES, Rule, rule_of
from app.errors import problem_responses

SCHEME = "bearer"
_SCHEME = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key, as `python -m app keys create` prints it. While there is none at all, no key is "
    "needed, and only requests from the machine itself are answered.",
}
_REFUSALS = {
    401: ("No key, or one that is not known, was revoked or has expired", "WWW-Authenticate", "How to"),
    403: ("The key's scope is too small; or there are no keys, and the peer is not local", None, ""),
    429: ("The key is over its rate limit", "Retry-After", "Whole seconds to wait"),
}


def declare_access(schema: dict[str, Any], routes: Sequence[BaseRoute]) -> None:
    """Write into an OpenAPI document what its operations' routes declare."""
    schema.setdefault("components", {})["securitySchemes"] = {SCHEME: _SCHEME}
    for context in iter_route_contexts(routes):
        rule = rule_of(context.endpoint)
        if rule is None or rule not in SCOPES.values():
            continue
        for method in context.methods or ():
            if operation := schema["paths"].get(context.path_format, {}).get(method.lower()):
                _declare(operation, rule)


def _declare(operation: dict[str, Any], rule: Rule) -> None:
    operation["security"] = [{SCHEME: [rule.scope]}]
    responses = operation["responses"]
    responses.update({str(status): _build_refusal(status) for status in _REFUSALS})
    operation["responses"] = dict(sorted(responses.items()))


def _build_refusal(status: int) -> dict[str, Any]:
    description, header, meaning = _REFUSALS[status]
    content = problem_responses(status)[status]["content"]
    headers = {header: {"description": meaning, "schema": {"type": "string"}}} if header else {}
    return {"description": description, "content": content, **({"headers": headers} if headers else {})}
