"""Keys: how they are made and read, and those that are good."""

import asyncio
import datetime as dt
import hashlib
import hmac
import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

from app.access.rules import SCOPES, Rule
from app.database import Database
from app.database_errors import DATABASE_ERRORS, describe_cause
from app.errors import UnauthorizedError
from app.repository.api_keys import StoredKey, read_keys

logger = logging.getLogger(__name__)

PREFIX = "chartcast_"  # so that scanners for leaked secrets, and people, know it for what it is
PATIENCE = 2.0  # seconds that a request waits for the store before it goes by the keys last read
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
        self._look: asyncio.Task[None] | None = None
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
        """Ask the store, or wait for the answer that another request asks for.

        Where it cannot answer, the keys last read stay: nobody can revoke one in a store that is away.

        Raises:
            SQLAlchemyError: it cannot, and never could.
        """
        if not self.is_due:
            return
        if self._look is None:
            self._look = asyncio.create_task(self._read_again())
        if self._keys is None:
            await asyncio.shield(self._look)
            return
        # All who wait go on at once: one after the other, each would wait for a turn of the loop.
        done, _ = await asyncio.wait({self._look}, timeout=PATIENCE)
        if not done:
            self._due = self._clock() + LOOK_AGAIN

    async def _read_again(self) -> None:
        try:
            # Not in the threads of requests, which may all be waiting.
            await asyncio.to_thread(self.read)
        finally:
            self._look = None

    def read(self) -> None:
        """Ask the store now; raises as ``refresh``."""
        due = self._clock() + LOOK_AGAIN
        try:
            with self._database.read() as connection:
                stored = read_keys(connection)
            self._keys = {_index_of(key.digest): key for key in map(_parse_stored, stored)}
        except DATABASE_ERRORS as error:
            if self._keys is None:
                raise
            logger.warning("keys could not be read again, those read before stay: %s", describe_cause(error))
            due = self._clock() + LOOK_AGAIN  # failing may have taken long
        self._due = due

    def find(self, token: bytes) -> Key:
        """The key that ``token`` is.

        Raises:
            UnauthorizedError: it is none of ours, or it is revoked or has expired.
        """
        digest = hashlib.sha256(token).digest()
        key = (self._keys or {}).get(_index_of(digest))
        known = hmac.compare_digest(digest, _NO_DIGEST if key is None else key.digest)
        if key is None or not known:
            raise refuse_key("is not known here (was it copied whole?)")
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
