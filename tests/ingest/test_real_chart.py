"""The real chart, whole, over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.config import Settings
from app.database import Database, build_engine
from app.main import create_app
from app.models import ChartDay, Track, TrackRegion
from tests.serving import LOCAL


@pytest.fixture
def client(sqlite_database_url: str, tmp_path: Path) -> Iterator[TestClient]:
    settings = Settings(_env_file=None, database_url=sqlite_database_url, models_dir=tmp_path)  # type: ignore[call-arg]
    with TestClient(create_app(settings), raise_server_exceptions=False, client=LOCAL) as started:
        yield started


def test_the_whole_real_file_goes_in_with_one_call_and_again_changes_nothing(
    client: TestClient, real_data: Path, sqlite_database_url: str
) -> None:
    path = real_data / "ph" / "spotify_daily_charts.csv.gz"
    first = client.post("/ingest?region=ph", files={"file": (path.name, path.read_bytes())})
    assert first.status_code == 201
    assert (first.json()["inserted"], first.json()["rejected"]) == (291_600, 0)
    assert len(first.json()["files"][0]["dates"]) == 1_458
    _assert_summed_up(sqlite_database_url)
    again = client.post("/ingest?region=ph", content=path.read_bytes(), headers={"Content-Type": "text/csv"})
    assert (again.status_code, again.json()["unchanged"]) == (200, 291_600)
    daily = sorted((real_data / "ph_daily_csv").glob("*.csv"))
    answer = client.post("/ingest", files=[("file", (path.name, path.read_bytes())) for path in daily])
    assert (answer.status_code, answer.json()["unchanged"]) == (200, 1_600)


def _assert_summed_up(url: str) -> None:
    database = Database(build_engine(url))
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(Track)) == 3_267
        assert connection.scalar(select(func.sum(TrackRegion.observed_days))) == 291_600
        unmoved = connection.scalars(select(ChartDay.date).where(ChartDay.movement.is_(None)))
        # the first day, and those that follow a day without a chart
        assert [str(day) for day in unmoved] == ["2017-01-01", "2017-06-01", "2017-06-03"]
    database.dispose()


def test_the_real_daily_files_go_in_by_their_names(client: TestClient, real_data: Path) -> None:
    daily = sorted((real_data / "ph_daily_csv").glob("*.csv"))
    answer = client.post("/ingest", files=[("file", (path.name, path.read_bytes())) for path in daily])
    assert answer.status_code == 201
    told = [(file["region"], *file["dates"], file["inserted"]) for file in answer.json()["files"]]
    assert told == [("ph", path.stem[3:], 200) for path in daily]
