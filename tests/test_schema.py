"""The migrations and the tables agree, both ways, on both databases."""

from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from app.config import Settings
from app.database import Base, Database, build_engine
from app.ingest.service import IngestOptions, IngestService
from app.schema import build_alembic_config, is_current, migrate, newest_revision
from app.uploads import Upload
from tests.ingest.chart_files import build_csv
from tests.ingest.stored import assert_kept_up, read_stored_charts


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
        assert is_current(connection)
        assert set(Base.metadata.tables) < set(inspect(connection).get_table_names())


def test_the_newest_revision_by_its_file_is_the_one_that_alembic_upgrades_to() -> None:
    assert ScriptDirectory.from_config(build_alembic_config()).get_heads() == [newest_revision()]


def test_a_store_is_migrated_where_it_is_behind_and_left_alone_where_it_is_not(database: Database) -> None:
    def is_current_now() -> bool:
        with database.read() as connection:
            return is_current(connection)

    for behind in ("base", "-1"):
        with database.write() as connection:
            command.downgrade(build_alembic_config(connection), behind)
        assert not is_current_now()
        migrate(database)
        assert is_current_now()
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(command, "upgrade")  # reaching for it would fail
        migrate(database)


def test_a_store_that_was_never_migrated_is_not_current(tmp_path: Path) -> None:
    database = Database(build_engine(f"sqlite:///{tmp_path / 'new.db'}"))
    with database.read() as connection:
        assert not is_current(connection)
    database.dispose()


def test_rows_without_foreign_keys_are_the_same_rows_both_ways(
    database: Database, settings: Settings
) -> None:
    for day in ("2020-12-01", "2020-12-02", "2020-12-04"):
        upload = Upload("api", build_csv(day, [(1, "B", 50), (2, "A", 40), (3, day[-1], 30)]).encode())
        IngestService(database, settings).ingest_files([upload], IngestOptions())
    charts = read_stored_charts(database)
    for revision in ("0003", "head"):
        with database.write() as connection:
            config = build_alembic_config(connection)
            (command.upgrade if revision == "head" else command.downgrade)(config, revision)
        assert read_stored_charts(database) == charts
        assert_kept_up(database)


def test_a_write_that_fails_leaves_nothing(database: Database) -> None:
    try:
        with database.write() as connection:
            connection.exec_driver_sql("INSERT INTO tracks (track_id) VALUES ('a')")
            raise RuntimeError("halfway")
    except RuntimeError:
        pass
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM tracks").scalar() == 0
