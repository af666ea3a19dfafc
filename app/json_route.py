"""The short way for the hot path: from bytes to a model in one step, and from a model to bytes in another.

FastAPI parses a body to a dict, validates that, resolves dependencies, validates the answer once more and
only then writes it, at the end of a chain of handlers that costs as much again. This does the first and the
last of it in pydantic's core, and leaves every request that does not fit to FastAPI, so that errors and the
OpenAPI document are the same as of any other route.
"""

from typing import Any, get_type_hints

from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

JSON = b"application/json"


class JsonRoute(APIRoute):
    """For an endpoint ``async def (request: Request, asked: <a model>) -> <a model>`` that answers 200."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asked_type: type[BaseModel] = get_type_hints(self.endpoint)["asked"]

    def takes(self, scope: Scope) -> bool:
        """Whether a request to this route is one that it answers."""
        return scope["method"] in (self.methods or ()) and any(
            name == b"content-type" and value.startswith(JSON) for name, value in scope["headers"]
        )


class ShortWay:
    """Goes right before the router, behind what lets requests in and notes their route in the scope.

    Args:
        app: The router, for all that this does not answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = scope.get("route")
        if not isinstance(route, JsonRoute) or not route.takes(scope):
            await self.app(scope, receive, send)
            return
        body = await _read(receive)
        try:
            asked = route.asked_type.model_validate_json(body)
        except ValidationError:  # FastAPI says what is wrong with it
            await self.app(scope, _replay(body, receive), send)
            return
        answer: BaseModel = await route.endpoint(request=Request(scope, receive), asked=asked)
        await _send_json(answer.__pydantic_serializer__.to_json(answer), send)


async def _read(receive: Receive) -> bytes:
    chunks, more = [], True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunks.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """What receives a body that was read already, then what comes after it."""
    read = False

    async def receive_again() -> Message:
        nonlocal read
        if read:
            return await receive()
        read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


async def _send_json(body: bytes, send: Send) -> None:
    headers = [(b"content-length", str(len(body)).encode()), (b"content-type", JSON)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
