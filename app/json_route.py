"""A route for the hot path: from bytes to a model in one step, and from a model to bytes in another.

FastAPI parses a body to a dict, validates that, resolves dependencies, validates the answer once more and
only then writes it. This does the first and the last of it in pydantic's core, and leaves every request that
does not fit to FastAPI, so that errors and the OpenAPI document are the same as of any other route.
"""

from collections.abc import Callable, Coroutine
from typing import Any, get_type_hints

from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

JSON = b"application/json"


class JsonRoute(APIRoute):
    """For an endpoint ``async def (request: Request, asked: <a model>) -> <a model>``."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's hook for what answers a request."""
        by_fastapi = super().get_route_handler()
        asked_type: type[BaseModel] = get_type_hints(self.endpoint)["asked"]

        async def handle(request: Request) -> Response:
            asked = _parse(asked_type, request, await request.body())
            if asked is None:
                return await by_fastapi(request)
            answer = await self.endpoint(request=request, asked=asked)
            return Response(answer.__pydantic_serializer__.to_json(answer), media_type="application/json")

        return handle


def _parse(asked_type: type[BaseModel], request: Request, body: bytes) -> BaseModel | None:
    """The body as a model; None where FastAPI should have a look at it."""
    if not any(
        name == b"content-type" and value.startswith(JSON) for name, value in request.scope["headers"]
    ):
        return None
    try:
        return asked_type.model_validate_json(body)
    except ValidationError:
        return None
