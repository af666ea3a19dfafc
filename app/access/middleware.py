"""The one place where a request is let in or refused, before its body is read."""

import logging
from functools import cached_property
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from app.access.callers import LOOPBACK
from app.access.keys import Keyring, read_bearer
from app.access.local import refuse_strangers
from app.access.routes import FoundRoute, RouteTable
from app.access.rules import Rule
from app.config import Settings
from app.database import Database
from app.database_errors import DATABASE_ERRORS, describe_cause, explain_failure
from app.errors import RETRY_AFTER_SECONDS, ForbiddenError, NotFoundError, NotReadyError

if TYPE_CHECKING:
    from app.access.limits import RateLimits

logger = logging.getLogger(__name__)

_UNKNOWN = FoundRoute(None, Rule.PREDICT)  # who may not read is not told what there is


class Gate:
    """What decides: the keys, their limits and the settings of an app that runs."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.keyring = Keyring(database)
        self.allowed_origins = frozenset(settings.cors_origins)
        self._database = database
        self._limit = settings.rate_limit

    @cached_property
    def limits(self) -> "RateLimits":
        """Made when the first key is used: importing the library takes 20 ms, which every start would pay."""
        from app.access.limits import RateLimits

        return RateLimits(self._database, self._limit)

    def tell(self) -> None:
        """Say, at the start, who will be answered."""
        try:
            self.keyring.read()
        except DATABASE_ERRORS as error:
            logger.warning("keys cannot be read yet: %s", describe_cause(error))
            return
        if self.keyring.is_empty:
            logger.warning("there are no keys: only requests from this machine itself are answered")
        else:
            logger.info("a key is required of every request")

    async def admit(self, scope: Scope, rule: Rule | None) -> None:
        """Let a request in and note who it comes from (``state["caller"]``), or refuse it.

        Raises:
            UnauthorizedError: it has no key that is good.
            ForbiddenError: its key may not, or there are no keys and it comes from elsewhere.
            TooManyRequestsError: its key is over the limit.
            NotReadyError: the keys cannot be read, and never could.
        """
        if self.keyring.is_due:
            await self._refresh()
        if self.keyring.is_empty:
            refuse_strangers(scope, self.allowed_origins)
            scope["state"]["caller"] = LOOPBACK
        elif rule is not Rule.PUBLIC:
            await self._admit_key(scope, rule)

    async def _refresh(self) -> None:
        try:
            await self.keyring.refresh()
        except DATABASE_ERRORS as error:
            if (said := explain_failure(error)) is None:
                raise
            logger.error("keys cannot be read: %s", describe_cause(error))
            raise NotReadyError(
                f"{said} Keys cannot be read, so nothing of this request was done; try again.",
                headers={"Retry-After": RETRY_AFTER_SECONDS},
            ) from None

    async def _admit_key(self, scope: Scope, rule: Rule | None) -> None:
        key = self.keyring.find(read_bearer(scope))
        state = scope["state"]
        state["caller"], state["key_id"] = key.name, key.id
        await self.limits.spend(key)
        if rule is not None and key.scope < rule:
            raise ForbiddenError(
                f"This needs a key of scope {rule.scope}; {key.name} has {key.scope.scope}.",
                headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{rule.scope}"'},
            )


class AccessMiddleware:
    """Asks the gate before the router is asked. What the routes require is read from them when first used.

    A path that no route has is refused here, and so is a route that says nothing: what was forgotten, or
    added later, is closed.
    """

    def __init__(self, app: ASGIApp, service: FastAPI) -> None:
        self.app = app
        self.service = service

    @cached_property
    def routes(self) -> RouteTable:
        """The routes of the service."""
        return RouteTable(self.service.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._check(scope)
        elif scope["type"] == "websocket":  # there are none
            await WebSocketClose()(scope, receive, send)
            return
        await self.app(scope, receive, send)

    async def _check(self, scope: Scope) -> None:
        route, rule = self.routes.find(scope) or _UNKNOWN
        if route is not None:
            scope["route"] = route  # so that a refusal, too, is one of this route's answers
        if rule is not Rule.ALWAYS:
            gate: Gate = self.service.state.gate
            await gate.admit(scope, rule)
        if route is None:
            raise NotFoundError(f"There is nothing at {scope['path'][:200]}; {self._where_to_look(scope)}.")
        if rule is None:
            raise ForbiddenError(f"{scope['path']} is closed: its route declares no rule of access.")

    def _where_to_look(self, scope: Scope) -> str:
        if scope["path"].endswith("/") and scope["path"] != "/":
            return "leave out the slash at the end"
        return f"{self.service.docs_url} lists the paths" if self.service.docs_url else "see the README"
