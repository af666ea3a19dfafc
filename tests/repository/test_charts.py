"""What a day's upload costs: the same, whatever the store holds."""

import datetime as dt

from app.config import Settings
from app.database import Database
from app.ingest.service import IngestOptions, IngestService
from app.uploads import Upload
from tests.ingest.chart_files import Row, build_csv
from tests.recorded_queries import recorded_queries

ROWS: list[Row] = [(place, letter, 100 - place) for place, letter in enumerate("ABCDEFGHIJ", start=1)]


def test_a_day_costs_the_same_statements_however_many_are_stored(
    database: Database, settings: Settings
) -> None:
    service = IngestService(database, settings)
    counts = []
    for day in range(12):
        content = build_csv(str(dt.date(2020, 1, 1) + dt.timedelta(days=day)), ROWS).encode()
        with recorded_queries(database.engine) as queries:
            service.ingest_files([Upload("api", content)], IngestOptions())
        counts.append(len(queries))
    assert len(set(counts[2:])) == 1
