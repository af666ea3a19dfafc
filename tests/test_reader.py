"""A reader that keeps its connection: one state for each read, and another connection where one was lost."""

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


def test_each_read_sees_one_state_and_the_next_one_what_came_meanwhile(database: Database) -> None:
    reader = database.reader()

    def count_around_a_write(connection: Connection) -> tuple[int, int]:
        before = _count(connection)
        _add(database, "ph")
        return before, _count(connection)

    assert reader.read(count_around_a_write) == (0, 0)
    assert reader.read(_count) == 1
    reader.close()


def test_nothing_that_a_read_does_is_kept(database: Database) -> None:
    reader = database.reader()
    reader.read(_count)
    reader.read(lambda connection: connection.exec_driver_sql(_INSERT.format("ph")))
    assert reader.read(_count) == 0
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

    def end_myself(connection: Connection) -> int:
        found = _count(connection)
        _end_other_sessions(database)  # after the last statement: its end alone notices
        return found

    assert reader.read(end_myself) == 0
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
