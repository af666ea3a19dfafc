"""Which route a request will come to, known before it gets there."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from app.access.rules import Rule, rule_of


class FoundRoute(NamedTuple):
    """A route of the app and what it requires: None where it declares nothing. No route: there is none."""

    route: BaseRoute | None
    rule: Rule | None


class RouteTable:
    """The app's routes, asked in the order in which the router asks them, by their own ``matches``.

    A path without parameters is looked up: what the router would choose is worked out once for each.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._contexts = list(iter_route_contexts(routes))
        self._exact = {
            (method, path): self._ask({"type": "http", "method": method, "path": path})
            for method, path in _fixed_paths(self._contexts)
        }

    def find(self, scope: Scope) -> FoundRoute | None:
        """The route that the router will choose, or that answers 405; None where there is none."""
        known = self._exact.get((scope["method"], scope["path"]))
        return known if known is not None else self._ask(scope)

    def _ask(self, scope: Scope) -> FoundRoute | None:
        partial: RouteContext | None = None
        for context in self._contexts:
            match, _ = context.matches(scope)
            if match is Match.FULL:
                return _build_found(context)
            if match is Match.PARTIAL and partial is None:
                partial = context
        return None if partial is None else _build_found(partial)


def _fixed_paths(contexts: Iterable[RouteContext]) -> Iterator[tuple[str, str]]:
    for context in contexts:
        if context.path is not None and "{" not in context.path:
            yield from ((method, context.path) for method in context.methods or ())


def _build_found(context: RouteContext) -> FoundRoute:
    return FoundRoute(context.original_route, rule_of(context.endpoint))
