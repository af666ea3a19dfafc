"""What drivers say is told as what can be done about it, without a word of theirs."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from psycopg import errors
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.config import Settings
from app.database import Database, build_engine
from app.database_errors import (
    AWAY,
    BUSY,
    FULL,
    RACE,
    READ_ONLY,
    SCHEMA,
    describe_cause,
    explain_failure,
)
from app.errors import answer_unexpected, install_error_handlers
from app.main import create_app
from tests.serving import refuse

TWICE = "INSERT INTO regions (code, version) VALUES ('ph', 0), ('ph', 0)"
UNREACHABLE = "postgresql+psycopg://somebody:s3cret@127.0.0.1:1/charts"


def _fail(url: str, *statements: str) -> Exception:
    """What statements of which one cannot succeed raise."""
    database = Database(build_engine(url))
    with pytest.raises((SQLAlchemyError, sqlite3.Error)) as caught:
        _execute(database, statements)
    database.dispose()
    return caught.value


def _execute(database: Database, statements: Sequence[str]) -> None:
    with database.write() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM nowhere", "SELECT lost FROM regions", "INSERT INTO regions (lost) VALUES (1)"],
)
def test_what_a_migration_would_mend_is_told(database_url: str, statement: str) -> None:
    assert explain_failure(_fail(database_url, statement)) == SCHEMA


def test_a_statement_of_ours_that_is_none_is_our_fault(database_url: str) -> None:
    assert explain_failure(_fail(database_url, "SELEKT 1")) is None
    assert explain_failure(_fail(database_url, "INSERT INTO regions (code) VALUES (NULL)")) is None


def test_a_row_that_another_request_was_first_to_store_is_a_race(database_url: str) -> None:
    assert explain_failure(_fail(database_url, TWICE)) == RACE


def test_a_race_is_answered_as_a_conflict_and_a_fault_of_ours_as_one(database: Database) -> None:
    app = FastAPI()
    install_error_handlers(app)
    app.add_exception_handler(Exception, answer_unexpected)
    app.get("/race")(lambda: _execute(database, [TWICE]))
    app.get("/ours")(lambda: _execute(database, ["SELEKT 1"]))
    client = TestClient(app, raise_server_exceptions=False)
    race, ours = client.get("/race"), client.get("/ours")
    assert (race.status_code, race.json()["type"]) == (409, "urn:chartcast:problem:conflict")
    assert (ours.status_code, ours.json()["type"]) == (500, "urn:chartcast:problem:internal")
    assert "SELEKT" not in ours.text


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"no database" * 1000)
    assert explain_failure(_fail(f"sqlite:///{tmp_path / 'a.db'}", "SELECT 1")) == AWAY


def test_a_store_that_another_writer_holds_is_busy(sqlite_database_url: str) -> None:
    path = sqlite_database_url.removeprefix("sqlite:///")
    first, second = (sqlite3.connect(path, timeout=0, isolation_level=None) for _ in range(2))
    first.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as caught:
        second.execute("BEGIN IMMEDIATE")
    first.close()
    second.close()
    assert explain_failure(caught.value) == BUSY


def test_a_full_store_is_told(sqlite_database_url: str) -> None:
    limit = "PRAGMA max_page_count=1"  # which SQLite raises to the pages that there are
    many = [f"INSERT INTO tracks (track_id) VALUES ('{number}')" for number in range(5_000)]
    assert explain_failure(_fail(sqlite_database_url, limit, *many)) == FULL


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (errors.AdminShutdown, AWAY),
        (errors.CannotConnectNow, AWAY),
        (errors.ConnectionException, AWAY),
        (errors.TooManyConnections, BUSY),
        (errors.DeadlockDetected, BUSY),
        (errors.SerializationFailure, BUSY),
        (errors.LockNotAvailable, BUSY),
        (errors.QueryCanceled, BUSY),
        (errors.DiskFull, FULL),
        (errors.IoError, FULL),
        (errors.ReadOnlySqlTransaction, READ_ONLY),
        (errors.ForeignKeyViolation, RACE),
        (errors.CheckViolation, None),
        (errors.SyntaxError, None),
        (psycopg.OperationalError, AWAY),
        (psycopg.InterfaceError, AWAY),
        (psycopg.ProgrammingError, None),
        (PoolTimeoutError, BUSY),
    ],
)
def test_what_postgres_says_is_told(error: Callable[[str], Exception], said: str | None) -> None:
    assert explain_failure(error("its own words")) == said


def test_an_answer_and_the_log_hold_no_statement_no_address_and_no_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = Settings(_env_file=None, database_url=UNREACHABLE)  # type: ignore[call-arg]
    with caplog.at_level(logging.INFO), TestClient(create_app(settings)) as client:
        answer = client.get("/tracks?region=ph")
    detail = refuse(answer, 503)["detail"]
    assert detail.startswith(AWAY)
    assert answer.headers["retry-after"] == "5"
    assert not any(word in detail for word in ("SELECT", "127.0.0.1", "somebody", "s3cret"))
    assert "Connection refused" in caplog.text
    assert not any(word in caplog.text for word in ("SELECT", "s3cret"))


def test_the_drivers_words_come_without_the_statement(sqlite_database_url: str) -> None:
    error = _fail(sqlite_database_url, "SELECT 'a value' FROM nowhere")
    assert describe_cause(error) == "OperationalError: no such table: nowhere"
