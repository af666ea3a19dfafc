"""Keys: how they are made and read, and those that are good."""

import datetime as dt
import hashlib
import hmac
import logging
import re
import secrets
import time
from asyncio import Lock
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.types import Scope

from app.access.rules import SCOPES, Rule
from app.database import Database
from app.errors import UnauthorizedError
from app.repository.api_keys import StoredKey, read_keys

logger = logging.getLogger(__name__)

PREFIX = "chartcast_"  # so that scanners for leaked secrets, and people, know it for what it is
LOOK_AGAIN = 2.0  # seconds after which the store is asked again: how long a revoked key may still be good
MEND = "Send a key as Authorization: Bearer <key>; `python -m app keys create` makes one."
_BEARER = re.compile(rb"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_NO_DIGEST = bytes(hashlib.sha256().digest_size)


def build_key() -> str:
    """A new key: 256 random bits behind ``PREFIX``."""
    return PREFIX + secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """What is stored of a key: SHA-256, in hexadecimal."""
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True)
class Key:
    """A key that is known here.

    Attributes:
        until: When it expires, in seconds since 1970; infinite where it doesn't.
    """

    id: int
    name: str
    scope: Rule
    digest: bytes
    until: float
    revoked: bool


class Keyring:
    """The store's keys, kept in the process; the store is asked at most every ``LOOK_AGAIN`` seconds.

    Args:
        database: Where they are.
        clock: Seconds that only grow.
        now: Seconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._clock = clock
        self._now = now
        self._lock = Lock()
        self._due = float("-inf")
        self._keys: dict[bytes, Key] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there was never a key; revoking the last one does not open the service again."""
        return self._keys == {}  # not yet read is not empty: nobody gets in by that

    @property
    def is_due(self) -> bool:
        """Whether the store must be asked before the next decision."""
        return self._clock() >= self._due

    async def refresh(self) -> None:
        """Ask the store, if no other request has just done so.

        Where it cannot answer, the keys last read stay: nobody can revoke one in a store that is away.

        Raises:
            SQLAlchemyError: it cannot, and never could.
        """
        async with self._lock:
            if self.is_due:
                await run_in_threadpool(self.read)

    def read(self) -> None:
        """Ask the store now; raises as ``refresh``."""
        asked = self._clock()
        try:
            with self._database.read() as connection:
                stored = read_keys(connection)
            self._keys = {_index_of(key.digest): key for key in map(_parse_stored, stored)}
        except SQLAlchemyError as error:
            if self._keys is None:
                raise
            logger.warning("keys could not be read again, those read before stay: %s", error)
        self._due = asked + LOOK_AGAIN

    def find(self, token: bytes) -> Key:
        """The key that ``token`` is.

        Raises:
            UnauthorizedError: it is none of ours, or it is revoked or has expired.
        """
        digest = hashlib.sha256(token).digest()
        key = (self._keys or {}).get(_index_of(digest))
        known = hmac.compare_digest(digest, _NO_DIGEST if key is None else key.digest)
        if key is None or not known:
            raise refuse_key("is not known here; was it copied whole?")
        if key.revoked:
            raise refuse_key("was revoked")
        if key.until <= self._now():
            raise refuse_key("has expired")
        return key


def _index_of(digest: bytes) -> bytes:
    # Half of it finds a key, the whole is then compared in constant time. Nobody can steer a token's hash
    # towards one that is stored, so what finding tells by its time is of no use.
    return digest[:16]


def _parse_stored(stored: StoredKey) -> Key:
    return Key(
        id=stored.id,
        name=stored.name,
        scope=SCOPES[stored.scope],
        digest=bytes.fromhex(stored.sha256),
        until=float("inf") if stored.expires_at is None else stored.expires_at.timestamp(),
        revoked=stored.revoked_at is not None,
    )


def is_good(key: StoredKey, at: dt.datetime) -> bool:
    """Whether a key lets anybody in at a time."""
    return key.revoked_at is None and (key.expires_at is None or at < key.expires_at)


def read_bearer(scope: Scope) -> bytes:
    """The token of a request's Authorization header.

    Raises:
        UnauthorizedError: there is none, more than one, or it is of another form.
    """
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if not given:
        raise UnauthorizedError(f"This needs a key. {MEND}", headers={"WWW-Authenticate": "Bearer"})
    if len(given) > 1:
        raise refuse_key("must come in one Authorization header; there are several")
    match = _BEARER.fullmatch(given[0].strip())
    if match is None:
        raise refuse_key("is not readable: the Authorization header is not of the form Bearer <key>")
    return match[1]


def refuse_key(why: str) -> UnauthorizedError:
    """The refusal of a key that was sent."""
    return UnauthorizedError(
        f"The key {why}. {MEND}", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
    )
