"""The table knows which route the router will choose."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRouter
from starlette.types import Message

from app.access.routes import RouteTable
from app.access.rules import Rule, requires, rule_of

ASKED = [
    "/", "/things", "/things/", "/things/new", "/things/a", "/things/a/", "/things/a/parts", "/things//parts",
    "/things/new/parts", "/things/a%2Fb", "/things/a/b", "/Things", "/shelves/x/y", "/shelves/x", "//things",
    "/x", "/things/new?a", "/root/things", "/root/things/new", "/root/things/a", "/root", "/rooted/things",
]  # fmt: skip


def _build() -> FastAPI:
    """An app whose routes overlap: which of them was chosen, its answer says."""
    app = FastAPI(redirect_slashes=False, openapi_url=None)
    router = APIRouter(prefix="/things")
    routes = [
        (router, "GET", "", Rule.PUBLIC),
        (router, "GET", "/{thing}", Rule.PREDICT),  # takes GET /things/new, as it comes first
        (router, "GET", "/new", Rule.ADMIN),
        (router, "POST", "/new", Rule.INGEST),
        (router, "POST", "/{thing}", Rule.ADMIN),
        (router, "PUT", "/{thing}/parts", Rule.INGEST),
        (app.router, "GET", "/shelves/{path:path}", Rule.ADMIN),
        (app.router, "GET", "/", Rule.ALWAYS),
    ]
    for owner, method, path, rule in routes:
        owner.add_api_route(path, _answer(rule), methods=[method])
    app.include_router(router)
    return app


def _answer(rule: Rule) -> Any:
    @requires(rule)
    def endpoint() -> None: ...

    return endpoint


async def _ask_router(app: FastAPI, scope: dict[str, Any]) -> tuple[int, Rule | None]:
    """The status of the router's answer, and what the endpoint that it chose requires."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], rule_of(scope.get("endpoint"))


@pytest.mark.parametrize("root_path", ["", "/root"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_it_finds_what_the_router_chooses(method: str, root_path: str) -> None:
    app = _build()
    table = RouteTable(app.routes)
    for path in ASKED:
        scope: dict[str, Any] = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": [], "root_path": root_path, "scheme": "http", "server": ("x", 80), "client": None,
        }  # fmt: skip
        found = table.find(dict(scope))
        status, rule = asyncio.run(_ask_router(app, scope))
        assert (found is None) == (status == 404), path
        if found is not None:
            assert found.rule == rule, path
