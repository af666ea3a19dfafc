"""How keys are made, read from a request, looked up and forgotten."""

import asyncio
import datetime as dt
import hmac
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.access import keys as keys_module
from app.access.keys import LOOK_AGAIN, PREFIX, Keyring, build_key, hash_key, read_bearer
from app.access.rules import Rule
from app.database import Database, build_engine
from app.errors import UnauthorizedError
from app.repository.api_keys import read_keys, revoke_key
from tests.access.stored_keys import store_key


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def _open(database: Database, **clocks: Any) -> Keyring:
    keyring = Keyring(database, **clocks)
    asyncio.run(keyring.refresh())
    return keyring


def _why_refused(keyring: Keyring, key: str) -> str:
    with pytest.raises(UnauthorizedError) as caught:
        keyring.find(key.encode())
    assert caught.value.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    return caught.value.detail


def test_a_key_has_a_prefix_to_be_known_by_and_256_random_bits() -> None:
    keys = {build_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith(PREFIX) and len(key) == len(PREFIX) + 43 for key in keys)


def test_the_store_holds_the_hash_of_a_key_and_never_the_key(database: Database, database_url: str) -> None:
    key = store_key(database_url, "ingest")
    with database.read() as connection:
        [stored] = read_keys(connection)
        row = connection.execute(text("SELECT * FROM api_keys")).one()
    assert stored.sha256 == hash_key(key)
    assert not any(key[len(PREFIX) :] in str(value) for value in row)


def test_a_key_is_found_with_its_scope(database: Database, database_url: str) -> None:
    key = store_key(database_url, "ingest", name="loader")
    found = _open(database).find(key.encode())
    assert (found.name, found.scope, found.id) == ("loader", Rule.INGEST, 1)


def test_a_key_that_is_unknown_revoked_or_expired_is_told_so(database: Database, database_url: str) -> None:
    end = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    revoked = store_key(database_url, "admin", revoked=True)
    expiring = store_key(database_url, "admin", expires_at=end)
    now = Clock()
    keyring = _open(database, now=now)
    now.seconds = end.timestamp() - 0.001
    assert keyring.find(expiring.encode())
    now.seconds = end.timestamp()
    assert "has expired" in _why_refused(keyring, expiring)
    assert "was revoked" in _why_refused(keyring, revoked)
    for unknown in (build_key(), revoked.swapcase(), revoked[:-1], hash_key(revoked), ""):
        assert "not known" in _why_refused(keyring, unknown)


def test_whole_hashes_are_compared_in_constant_time_whether_or_not_a_key_is_known(
    sqlite_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = store_key(sqlite_database_url, "predict")
    database = Database(build_engine(sqlite_database_url))
    keyring = _open(database)
    compared: list[tuple[bytes, bytes]] = []
    in_constant_time = hmac.compare_digest

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return in_constant_time(a, b)

    with monkeypatch.context() as patch:
        patch.setattr(hmac, "compare_digest", compare)
        assert keyring.find(key.encode())
        _why_refused(keyring, build_key())
    assert [(len(a), len(b)) for a, b in compared] == [(32, 32), (32, 32)]
    database.dispose()


def test_half_a_hash_that_fits_is_no_key(sqlite_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    key = store_key(sqlite_database_url, "predict")
    database = Database(build_engine(sqlite_database_url))
    monkeypatch.setattr(keys_module, "_index_of", lambda _digest: b"the same for all")
    keyring = _open(database)
    assert keyring.find(key.encode())
    assert "not known" in _why_refused(keyring, build_key())
    database.dispose()


def test_a_revoked_key_dies_and_a_new_one_lives_when_the_store_is_next_looked_at(
    database: Database, database_url: str
) -> None:
    key = store_key(database_url, "predict")
    clock = Clock()
    keyring = _open(database, clock=clock)
    with database.write() as connection:
        assert revoke_key(connection, 1, dt.datetime.now(dt.UTC))
        assert not revoke_key(connection, 1, dt.datetime.now(dt.UTC))
    new = store_key(database_url, "predict")
    clock.seconds += LOOK_AGAIN - 0.01
    asyncio.run(keyring.refresh())  # it is not time yet
    assert keyring.find(key.encode())
    clock.seconds += 0.01
    asyncio.run(keyring.refresh())
    assert "was revoked" in _why_refused(keyring, key)
    assert keyring.find(new.encode())


def test_many_requests_at_once_look_at_the_store_once(
    sqlite_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(build_engine(sqlite_database_url))
    keyring = Keyring(database)
    reads: list[int] = []
    read = keyring.read

    def count() -> None:
        reads.append(1)
        read()

    monkeypatch.setattr(keyring, "read", count)

    async def ask() -> None:
        await asyncio.gather(*(keyring.refresh() for _ in range(20)))

    asyncio.run(ask())
    assert len(reads) == 1
    database.dispose()


def test_revoking_the_last_key_does_not_open_the_service_again(database: Database, database_url: str) -> None:
    assert not Keyring(database).is_empty  # it does not know yet
    assert _open(database).is_empty
    store_key(database_url, "admin", revoked=True)
    assert not _open(database).is_empty


def test_keys_read_before_stay_while_the_store_is_away(sqlite_database_url: str) -> None:
    key = store_key(sqlite_database_url, "predict")
    database = Database(build_engine(sqlite_database_url))
    clock = Clock()
    keyring = _open(database, clock=clock)
    with database.write() as connection:
        connection.execute(text("ALTER TABLE api_keys RENAME TO away"))
    clock.seconds += LOOK_AGAIN
    asyncio.run(keyring.refresh())
    assert keyring.find(key.encode())
    assert not keyring.is_due
    with pytest.raises(SQLAlchemyError):
        asyncio.run(Keyring(database).refresh())
    database.dispose()


def _headers(*values: bytes) -> dict[str, Any]:
    return {"headers": [(b"host", b"x"), *((b"authorization", value) for value in values)]}


@pytest.mark.parametrize("given", [b"Bearer abc", b"bearer abc", b"BEARER   abc", b" Bearer abc "])
def test_the_scheme_is_read_in_any_case(given: bytes) -> None:
    assert read_bearer(_headers(given)) == b"abc"


@pytest.mark.parametrize(
    "given",
    [b"", b"Bearer", b"Bearer ", b"abc", b"Basic YTpi", b"Bearer a b", b"Bearer a,b", b"Bearer \xff",
     b"Bearer\tabc", b"Bearer abc, Bearer abc", b"Bearer:abc", b"Token abc"],
)  # fmt: skip
def test_a_header_of_another_form_is_refused(given: bytes) -> None:
    with pytest.raises(UnauthorizedError, match="not of the form Bearer <key>"):
        read_bearer(_headers(given))


def test_several_headers_are_refused_though_each_be_good() -> None:
    with pytest.raises(UnauthorizedError, match="several"):
        read_bearer(_headers(b"Bearer abc", b"Bearer abc"))


def test_none_is_told_how_to_get_in() -> None:
    with pytest.raises(UnauthorizedError, match="keys create") as caught:
        read_bearer(_headers())
    assert caught.value.headers == {"WWW-Authenticate": "Bearer"}
