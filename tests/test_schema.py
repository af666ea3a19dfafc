"""The migrations and the tables agree, both ways, on both databases."""

from alembic import command
from sqlalchemy import inspect

from app.database import Base, Database
from app.schema import build_alembic_config, is_current


def test_migrations_make_exactly_the_tables_of_the_models(database: Database) -> None:
    with database.write() as connection:
        command.check(build_alembic_config(connection))
        assert is_current(connection)


def test_the_schema_goes_down_to_nothing_and_up_again(database: Database) -> None:
    with database.write() as connection:
        config = build_alembic_config(connection)
        command.downgrade(config, "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]
        assert not is_current(connection)
        command.upgrade(config, "head")
        assert set(Base.metadata.tables) < set(inspect(connection).get_table_names())


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    try:
        with database.write() as connection:
            connection.exec_driver_sql("INSERT INTO tracks (track_id) VALUES ('a')")
            raise RuntimeError("halfway")
    except RuntimeError:
        pass
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM tracks").scalar() == 0
