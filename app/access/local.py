"""Where there are no keys: whether a request comes from this machine itself."""

import ipaddress
from collections.abc import Collection
from functools import lru_cache

from starlette.types import Scope

from app.errors import ForbiddenError

MEND = (
    "Without keys only this machine is answered, directly: make a key with `python -m app keys create`, and "
    "send it as Authorization: Bearer <key>."
)
# Whoever forwards a request is the peer that we see: behind a proxy on this machine everybody looks local.
FORWARDING = frozenset(
    name.encode()
    for name in (
        "forwarded", "via", "x-forwarded", "x-forwarded-by", "x-forwarded-for", "x-forwarded-host",
        "x-forwarded-port", "x-forwarded-prefix", "x-forwarded-proto", "x-forwarded-scheme",
        "x-forwarded-server", "x-forwarded-ssl", "x-real-ip", "x-client-ip", "x-cluster-client-ip",
        "true-client-ip", "cf-connecting-ip", "x-envoy-external-address",
    )
)  # fmt: skip
_READ = FORWARDING | {b"host", b"origin"}
_LONGEST_HOST = 300  # a name has up to 253 characters, then a port


def refuse_strangers(scope: Scope, allowed_origins: Collection[str]) -> None:
    """Let pass what programs of this machine send, and pages that we served or whose origin is allowed.

    Raises:
        ForbiddenError: the peer is elsewhere or unknown (a Unix socket has no address), the request was
            forwarded, or a page of another site had the browser send it.
    """
    client = scope.get("client")
    if client is None or not is_loopback(client[0]):
        raise ForbiddenError(f"This peer is not on the loopback interface. {MEND}")
    host, origin = b"", None
    for name, value in scope["headers"]:
        if name not in _READ:
            continue
        if name == b"host":
            host = value
        elif name == b"origin":
            origin = value
        else:
            raise ForbiddenError(f"The request was forwarded (it has {name.decode()}). {MEND}")
    if len(host) > _LONGEST_HOST or not _is_local_name(host):
        raise ForbiddenError(f"The Host header is a name of another machine; ask for localhost. {MEND}")
    if origin is not None and not _is_own(origin, host, allowed_origins):
        raise ForbiddenError(f"A page of another site sent this; CHARTCAST_CORS_ORIGINS allows one. {MEND}")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)
def is_loopback(address: str) -> bool:
    """Whether an IP address is of the loopback interface; whatever is no address is not."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


@lru_cache(maxsize=1024)
def _is_local_name(host: bytes) -> bool:
    # A stranger's domain may resolve to 127.0.0.1, and a page of it then reads our answers as its own. Nobody
    # can have an address resolve elsewhere, nor register a name without a dot.
    text = host.decode("latin-1").lower()
    name = text[1:].partition("]")[0] if text.startswith("[") else text.partition(":")[0]
    return "." not in name or name.endswith(".localhost") or _is_address(name)


def _is_own(origin: bytes, host: bytes, allowed: Collection[str]) -> bool:
    # A browser sends forms of any page to any address, and asks nobody before.
    if "*" in allowed or origin.decode("latin-1") in allowed:
        return True
    return origin.partition(b"://")[2] == host
