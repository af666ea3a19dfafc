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

    A path without parameters is looked up: what the router would choose is worked out once for each. Then
    only routes with parameters can take what is not found so.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        self._all = list(iter_route_contexts(routes))
        self._with_parameters = [context for context in self._all if "{" in (context.path or "{")]
        self._exact = {
            (method, path): _ask(self._all, {"type": "http", "method": method, "path": path})
            for method, path in _fixed_paths(self._all)
        }

    def find(self, scope: Scope) -> FoundRoute | None:
        """The route that the router will choose, or that answers 405; None where there is none."""
        if scope.get("root_path"):  # the router takes it off the path, if it is there
            return _ask(self._all, scope) or _ask(self._all, scope, Match.PARTIAL)
        known = self._exact.get((scope["method"], scope["path"]))
        return known or _ask(self._with_parameters, scope) or _ask(self._all, scope, Match.PARTIAL)


def _ask(contexts: Iterable[RouteContext], scope: Scope, wanted: Match = Match.FULL) -> FoundRoute | None:
    for context in contexts:
        if context.matches(scope)[0] is wanted:
            return FoundRoute(context.original_route, rule_of(context.endpoint))
    return None


def _fixed_paths(contexts: Iterable[RouteContext]) -> Iterator[tuple[str, str]]:
    for context in contexts:
        if context.path is not None and "{" not in context.path:
            yield from ((method, context.path) for method in context.methods or ())
