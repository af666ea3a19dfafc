"""Keys put into a store, and what a request with one carries."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from app.access.keys import build_key, hash_key
from app.database import Database, build_engine
from app.repository.api_keys import insert_key, revoke_key

NOW = dt.datetime.now(dt.UTC)


@contextmanager
def opened(database_url: str) -> Iterator[Database]:
    """A store, opened for a moment."""
    database = Database(build_engine(database_url))
    try:
        yield database
    finally:
        database.dispose()


def store_key(
    database_url: str,
    scope: str,
    *,
    name: str = "somebody",
    expires_at: dt.datetime | None = None,
    revoked: bool = False,
) -> str:
    """Store a new key; return it."""
    key = build_key()
    with opened(database_url) as database, database.write() as connection:
        key_id = insert_key(
            connection,
            name=name,
            scope=scope,
            sha256=hash_key(key),
            created_at=NOW,
            expires_at=expires_at,
        )
        if revoked:
            assert revoke_key(connection, key_id, NOW)
    return key


def bearer(key: str) -> dict[str, str]:
    """The header that shows a key."""
    return {"Authorization": f"Bearer {key}"}
