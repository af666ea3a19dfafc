"""A reader that keeps its connection: one state for each statement, and another where it was lost."""

from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.database import Database

_INSERT = "INSERT INTO regions (code, version) VALUES ('{}', 0)"


def _count(connection: Connection) -> int:
    count: int = connection.execute(text("SELECT count(*) FROM regions")).scalar_one()
    return count


def _add(database: Database, code: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(_INSERT.format(code))


def test_each_statement_sees_what_was_there_when_it_began(database: Database) -> None:
    reader = database.reader()

    def count_around_a_write(connection: Connection) -> tuple[int, int]:
        before = _count(connection)
        _add(database, "ph")  # which waits for no transaction of the reader's
        return before, _count(connection)

    assert reader.read(count_around_a_write) == (0, 1)
    assert reader.read(_count) == 1
    reader.close()


def test_between_reads_no_transaction_is_open(database: Database) -> None:
    """An open one would hold up what the store tidies, and see an old state of it."""
    reader = database.reader()
    reader.read(_count)
    driver: Any = reader.read(lambda connection: connection.connection.driver_connection)
    if database.is_embedded:
        assert not driver.in_transaction
    else:
        assert driver.info.transaction_status.name == "IDLE"
    reader.close()


def test_what_a_read_raises_comes_through_and_the_reader_goes_on(database: Database) -> None:
    reader = database.reader()

    def fail(_connection: Connection) -> None:
        raise LookupError

    for _ in range(3):
        with pytest.raises(LookupError):
            reader.read(fail)
    with pytest.raises(DBAPIError):
        reader.read(lambda connection: connection.exec_driver_sql("SELEKT 1"))
    assert reader.read(_count) == 0
    reader.close()


def _end_other_sessions(database: Database) -> None:
    with database.read() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_session_that_was_ended_is_replaced_unseen(database: Database) -> None:
    if database.is_embedded:
        pytest.skip("there is no session to end")
    reader = database.reader()
    reader.read(_count)
    _end_other_sessions(database)
    assert reader.read(_count) == 0
    reader.close()


def test_a_statement_that_hangs_is_given_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if database.is_embedded:
        pytest.skip("nobody can hold up a read of a file")
    monkeypatch.setattr("app.database.READ_WAIT", 100)
    reader = database.reader()
    with pytest.raises(DBAPIError):
        reader.read(lambda connection: connection.exec_driver_sql("SELECT pg_sleep(5)"))
    reader.close()
    with database.read() as connection:  # the limit is the reader's alone
        connection.exec_driver_sql("SELECT pg_sleep(0.2)")
