"""Chart days are UTC, wherever the machine is and whatever its clock says."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from app.database import Database, build_engine
from app.errors import InvalidRequestError
from app.ingest.service import IngestOptions, IngestService
from app.uploads import Upload
from tests.faults.servers import CSV, as_charts, fill, last_charts, read_charts, serving
from tests.sample import LAST_DAY, Row, Sample, to_csv

# A whole day before UTC and behind it, which no place is: there it is another date at every hour.
ZONES = {"AHEAD-24": "Pacific/Kiritimati", "BEHIND+24": "Pacific/Pago_Pago"}
DAY = dt.timedelta(days=1)


def _on(rows: list[Row], day: dt.date) -> list[Row]:
    return [replace(row, date=day) for row in rows]


@pytest.mark.parametrize("zone", ZONES)
def test_today_ends_when_utc_says_so(zone: str, database_url: str, sample: Sample, tmp_path: Path) -> None:
    before, chart = fill(database_url, sample), last_charts(sample, 1)
    with serving(database_url, tmp_path, environment={"TZ": zone, "PGTZ": ZONES[zone]}) as server:
        today = dt.datetime.now(dt.UTC).date()
        answers = [
            server.client.post("/ingest", content=to_csv(_on(chart, day)), headers=CSV)
            for day in (today, today + DAY)
        ]
        assert [answer.status_code for answer in answers] == [201, 422], answers[0].text
        assert "future" in answers[1].json()["detail"]
        served = server.client.get(f"/charts/ph/{LAST_DAY}").json()
        assert served["date"] == str(LAST_DAY)
    assert read_charts(database_url) == before | as_charts(_on(chart, today))


def test_a_clock_set_forward_and_back_changes_no_day_that_is_stored(
    database_url: str, sample: Sample
) -> None:
    before, chart = fill(database_url, sample), last_charts(sample, 1)
    database = Database(build_engine(database_url))
    now = dt.datetime(2021, 1, 1, 23, 59, 59, tzinfo=dt.UTC)

    def ingest(at: dt.datetime, day: dt.date) -> Any:
        service = IngestService(database, Settings(_env_file=None), now=lambda: at)  # type: ignore[call-arg]
        return service.ingest_files([Upload("api", to_csv(_on(chart, day)))], IngestOptions())

    assert ingest(now, LAST_DAY + DAY).inserted == len(chart)
    with pytest.raises(InvalidRequestError, match="future"):
        ingest(now, LAST_DAY + 2 * DAY)
    assert ingest(now + dt.timedelta(seconds=1), LAST_DAY + 2 * DAY).inserted == len(chart)
    with pytest.raises(InvalidRequestError, match="future"):  # set back: the day is to come once more
        ingest(now, LAST_DAY + 2 * DAY)
    assert ingest(now, LAST_DAY + DAY).unchanged == len(chart)
    database.dispose()
    stored = as_charts(_on(chart, LAST_DAY + DAY) + _on(chart, LAST_DAY + 2 * DAY))
    assert read_charts(database_url) == before | stored
