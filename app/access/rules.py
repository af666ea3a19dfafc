"""What a request must show to be let in, and how a route says which of it."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, TypeVar

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
_RULE = "__access_rule__"


class Rule(IntEnum):
    """From the least to the most; a key of one scope may do all that those before it may."""

    ALWAYS = 0  # whoever asks, wherever from
    PUBLIC = 1  # without a key; but where there are no keys at all, this machine alone
    PREDICT = 2  # a key that may read
    INGEST = 3  # a key that may also write charts and metadata
    ADMIN = 4  # a key that may also change what is served and see who did what

    @property
    def scope(self) -> str:
        """Its name as a key's scope."""
        return self.name.lower()


SCOPES = {rule.scope: rule for rule in (Rule.PREDICT, Rule.INGEST, Rule.ADMIN)}


def requires(rule: Rule) -> Callable[[Endpoint], Endpoint]:
    """Declare what the routes to an endpoint require. A route to one without is refused to everybody."""

    def declare(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _RULE, rule)
        return endpoint

    return declare


def rule_of(endpoint: object) -> Rule | None:
    """What an endpoint declares; None where it declares nothing."""
    return getattr(endpoint, _RULE, None)
