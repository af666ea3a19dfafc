"""Who is behind a change, for the record of it."""

from typing import NamedTuple

from fastapi import Request

LOOPBACK = "loopback"


class Caller(NamedTuple):
    """Who asks: a key by its name and id, ``loopback``, or the command line."""

    caller: str
    key_id: int | None = None
    request_id: str | None = None


COMMAND_LINE = Caller("command line")


def caller_of(request: Request) -> Caller:
    """Who sent a request that was let in."""
    state = request.scope["state"]
    return Caller(state["caller"], state.get("key_id"), state.get("request_id"))
