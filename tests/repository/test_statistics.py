"""PostgreSQL knows how many rows there are as soon as many came at once."""

import datetime as dt

from sqlalchemy import text

from app.config import Settings
from app.database import Database
from app.ingest.service import IngestOptions, IngestService
from app.uploads import Upload
from tests.ingest.chart_files import build_csv


def test_a_large_upload_is_known_to_the_planner_at_once(database: Database, settings: Settings) -> None:
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=i) for i in range(11)]
    tracks = [(position, f"{position:022d}", 1000 - position) for position in range(1, 201)]
    uploads = [Upload(f"regional-ph-daily-{day}.csv", build_csv(str(day), tracks).encode()) for day in days]
    IngestService(database, settings).ingest_files(uploads, IngestOptions())
    if database.is_embedded:
        return  # SQLite plans without
    with database.read() as connection:
        known = connection.execute(text("SELECT reltuples FROM pg_class WHERE relname = 'daily_streams'"))
        assert known.scalar_one() == len(days) * len(tracks)
