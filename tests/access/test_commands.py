"""``python -m app keys``."""

import pytest
from typer.testing import CliRunner, Result

from app.access.keys import PREFIX, hash_key
from app.cli import app
from app.repository.api_keys import StoredKey, read_keys
from app.repository.audit import read_events
from tests.access.stored_keys import opened


@pytest.fixture(autouse=True)
def store(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTCAST_DATABASE_URL", database_url)


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["keys", *arguments])


def _read(database_url: str) -> list[StoredKey]:
    with opened(database_url) as database, database.read() as connection:
        return read_keys(connection)


def test_a_key_is_printed_alone_and_once_and_stored_as_its_hash(database_url: str) -> None:
    result = _run("create", "--scope", "ingest", "--name", "daily loader")
    assert result.exit_code == 0, result.output
    key = result.stdout.strip()
    assert key.startswith(PREFIX)
    assert len(key.split()) == 1
    assert "shown this once" in result.stderr
    [stored] = _read(database_url)
    assert (stored.name, stored.scope, stored.sha256) == ("daily loader", "ingest", hash_key(key))
    listed = _run("list").stdout
    assert "daily loader" in listed
    assert key not in listed
    assert stored.sha256 not in listed


def test_keys_are_rotated_by_making_a_second_and_revoking_the_first(database_url: str) -> None:
    for _ in range(2):
        assert _run("create", "--scope", "predict", "--name", "dashboard").exit_code == 0
    assert "2 seconds" in _run("revoke", "1").stderr
    old, new = _read(database_url)
    assert old.revoked_at
    assert new.revoked_at is None
    states = _run("list").stdout.splitlines()
    assert "revoked" in states[1]
    assert "good" in states[2]
    assert _run("revoke", "1").exit_code == 1
    assert _run("revoke", "3").exit_code == 1


def test_a_key_is_good_through_the_day_it_expires(database_url: str) -> None:
    assert _run("create", "--scope", "admin", "--name", "guest", "--expires", "2199-12-31").exit_code == 0
    [stored] = _read(database_url)
    assert f"{stored.expires_at:%Y-%m-%dT%H:%M%z}" == "2200-01-01T00:00+0000"


def test_making_and_revoking_is_on_record(database_url: str) -> None:
    _run("create", "--scope", "admin", "--name", "root")
    _run("revoke", "1")
    with opened(database_url) as database, database.read() as connection:
        revoked, created = read_events(connection, limit=5)
    assert (created.action, created.caller) == ("key created", "command line")
    assert created.details == {"id": 1, "name": "root", "scope": "admin"}
    assert (revoked.action, revoked.details) == ("key revoked", {"id": 1})


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scope", "root", "--name", "a"],
        ["--scope", "Admin", "--name", "a"],
        ["--scope", "admin", "--name", ""],
        ["--scope", "admin", "--name", "a\nb"],
        ["--scope", "admin", "--name", "x" * 65],
        ["--scope", "admin", "--name", "loopback"],
        ["--scope", "admin", "--name", "command line"],
        ["--scope", "admin", "--name", "a", "--expires", "2020-01-01"],
        ["--scope", "admin", "--name", "a", "--expires", "soon"],
        ["--scope", "admin", "--name", "a", "--expires", "9999-12-31"],
    ],
)
def test_arguments_that_make_no_sense_are_told_and_make_no_key(
    database_url: str, arguments: list[str]
) -> None:
    assert _run("create", *arguments).exit_code == 2
    assert _read(database_url) == []


def test_a_store_that_is_away_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql+psycopg://somebody:hunter2@127.0.0.1:1/none"
    monkeypatch.setenv("CHARTCAST_DATABASE_URL", url)
    result = _run("list")
    assert result.exit_code == 1
    assert "hunter2" not in result.output + str(result.exception)
