"""A load into an empty store: its index by day is made after the rows, and is there whatever comes."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import Connection, inspect

from app.config import Settings
from app.database import Database, build_engine
from app.ingest import storing
from app.ingest.service import IngestOptions, IngestService
from app.repository.statistics import MANY
from app.uploads import Upload
from tests.ingest.chart_files import build_csv
from tests.ingest.stored import assert_kept_up, read_stored_charts
from tests.recorded_queries import recorded_queries

SIZE = 200
TRACKS = [(position, f"{position:022d}", 1000 - position) for position in range(1, SIZE + 1)]


@pytest.fixture
def service(database: Database, settings: Settings) -> IngestService:
    return IngestService(database, settings)


def _load(service: IngestService, first_day: dt.date) -> list[str]:
    """The words that begin what the store was sent for a large upload."""
    days = [first_day + dt.timedelta(days=i) for i in range(MANY // SIZE)]
    uploads = [Upload(f"regional-ph-daily-{day}.csv", build_csv(str(day), TRACKS).encode()) for day in days]
    with recorded_queries(service.database.engine) as queries:
        service.ingest_files(uploads, IngestOptions())
    return [" ".join(query.statement.split()[:2]) for query in queries]


def _indexes(database: Database) -> list[str | None]:
    return [index["name"] for index in inspect(database.engine).get_indexes("daily_streams")]


def test_many_rows_go_into_an_empty_store_before_its_index_is_made(service: IngestService) -> None:
    before = _indexes(service.database)
    sent = _load(service, dt.date(2020, 1, 1))
    ways = [words for words in sent if words.endswith(" INDEX")]
    assert ways[-2:] == ["DROP INDEX", "CREATE INDEX"]
    assert _indexes(service.database) == before
    assert len(read_stored_charts(service.database)) == MANY // SIZE
    assert_kept_up(service.database)


def test_a_store_that_holds_more_keeps_its_index(service: IngestService) -> None:
    for month in (1, 2):
        _load(service, dt.date(2020, month, 1))
    assert "DROP INDEX" not in _load(service, dt.date(2020, 3, 1))
    assert_kept_up(service.database)


def test_a_load_that_fails_leaves_the_index_and_no_rows(
    service: IngestService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_connection: Connection, _changes: object) -> None:
        raise RuntimeError("the power goes")

    before = _indexes(service.database)
    with monkeypatch.context() as patched:
        patched.setattr(storing, "update_regions", fail)
        with pytest.raises(RuntimeError):
            _load(service, dt.date(2020, 1, 1))
    assert _indexes(service.database) == before
    assert read_stored_charts(service.database) == {}


def test_a_load_beside_another_session_that_reads_the_table_goes_the_usual_way(
    service: IngestService,
) -> None:
    if service.database.is_embedded:
        pytest.skip("its readers hold nobody up")
    with service.database.read() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM daily_streams")
        assert "DROP INDEX" not in _load(service, dt.date(2020, 1, 1))
    assert_kept_up(service.database)


def test_a_role_that_does_not_own_the_table_loads_all_the_same(
    database: Database, settings: Settings
) -> None:
    if database.is_embedded:
        pytest.skip("it has no roles")
    role = f"loader_{uuid.uuid4().hex[:8]}"
    with database.write() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN")
        for granted in ("SELECT, INSERT, UPDATE, DELETE ON ALL TABLES", "USAGE ON ALL SEQUENCES"):
            connection.exec_driver_sql(f"GRANT {granted} IN SCHEMA public TO {role}")
    as_role = Database(build_engine(database.engine.url.set(username=role).render_as_string()))
    try:
        assert "CREATE INDEX" not in _load(IngestService(as_role, settings), dt.date(2020, 1, 1))
    finally:
        as_role.dispose()
        with database.write() as connection:
            connection.exec_driver_sql(f"DROP OWNED BY {role}; DROP ROLE {role}")
    assert_kept_up(database)
