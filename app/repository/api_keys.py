"""The keys to the API, as stored."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from app.dates import to_utc
from app.models import ApiKey


class StoredKey(NamedTuple):
    """A key as stored; times are UTC. ``sha256`` is the hash of it, in hexadecimal."""

    id: int
    name: str
    scope: str
    sha256: str
    created_at: dt.datetime
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None


_KEYS = select(
    ApiKey.id,
    ApiKey.name,
    ApiKey.scope,
    ApiKey.sha256,
    ApiKey.created_at,
    ApiKey.expires_at,
    ApiKey.revoked_at,
).order_by(ApiKey.id)
_INSERT = insert(ApiKey).returning(ApiKey.id)
_REVOKE = (
    update(ApiKey)
    .where(ApiKey.id == bindparam("key_id"), ApiKey.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
)
_SPENT = select(ApiKey.spent_until).where(ApiKey.id == bindparam("key_id"))
_SPEND = update(ApiKey).where(ApiKey.id == bindparam("key_id")).values(spent_until=bindparam("until"))


def insert_key(
    connection: Connection,
    *,
    name: str,
    scope: str,
    sha256: str,
    created_at: dt.datetime,
    expires_at: dt.datetime | None,
) -> int:
    """Store a key by its hash; return its id."""
    row = {"name": name, "scope": scope, "sha256": sha256, "created_at": created_at, "expires_at": expires_at}
    key_id: int = connection.execute(_INSERT, row).scalar_one()
    return key_id


def read_keys(connection: Connection) -> list[StoredKey]:
    """Every key there ever was, the oldest first."""
    keys = [StoredKey(*row) for row in connection.execute(_KEYS)]
    return [
        key._replace(
            created_at=to_utc(key.created_at),
            expires_at=key.expires_at and to_utc(key.expires_at),
            revoked_at=key.revoked_at and to_utc(key.revoked_at),
        )
        for key in keys
    ]


def revoke_key(connection: Connection, key_id: int, at: dt.datetime) -> bool:
    """Put an end to a key; return whether it was there and not revoked yet."""
    return connection.execute(_REVOKE, {"key_id": key_id, "at": at}).rowcount > 0


def read_spent_until(connection: Connection, key_id: int) -> int:
    """Where the key's rate limit stands (µs since 1970), locked until the caller's transaction ends."""
    # No stronger lock than the update takes: records of uploads refer to the key meanwhile.
    locked = _SPENT.with_for_update(key_share=True)
    spent: int = connection.execute(locked, {"key_id": key_id}).scalar_one()
    return spent


def update_spent_until(connection: Connection, key_id: int, until: int) -> None:
    """Move it."""
    connection.execute(_SPEND, {"key_id": key_id, "until": until})
