"""A chart over HTTP is the chart as stored."""

import pytest
from fastapi.testclient import TestClient

from app.database import Database
from tests.charts_in_store import store_charts, track_id_of

A, B = track_id_of("a"), track_id_of("b")


@pytest.fixture(autouse=True)
def charts(database: Database) -> None:
    names = {A: ("First", "Someone"), B: (None, None)}
    store_charts(database, {("ph", "2020-12-29"): {A: 900}, ("ph", "2020-12-30"): {A: 500, B: 700}}, names)


def test_a_chart_comes_by_position_with_its_sums(client: TestClient) -> None:
    chart = client.get("/charts/PH/2020-12-30").json()
    assert chart["region"] == "ph"
    assert chart["date"] == "2020-12-30"
    assert chart["summary"] == {"tracks": 2, "total_streams": 1200, "min_streams": 500, "movement": None}
    assert chart["items"] == [
        {"position": 1, "track_id": B, "track_name": None, "artist": None, "streams": 700},
        {"position": 2, "track_id": A, "track_name": "First", "artist": "Someone", "streams": 500},
    ]
    assert chart["next_cursor"] is None


def test_a_day_without_a_chart_is_not_found_and_the_answer_says_where_they_lie(client: TestClient) -> None:
    answer = client.get("/charts/ph/2020-12-31")
    assert answer.status_code == 404
    assert "2020-12-29" in answer.json()["detail"]
    assert "2020-12-30" in answer.json()["detail"]


def test_a_region_without_charts_is_not_found(client: TestClient) -> None:
    answer = client.get("/charts/us/2020-12-30")
    assert answer.status_code == 404
    assert "ph" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["ph/2020-02-30", "ph/1609286400", "ph/20201230", "zz/2020-12-30", "%00/2020-12-30"]
)
def test_a_path_that_names_no_chart_is_refused(client: TestClient, path: str) -> None:
    answer = client.get(f"/charts/{path}")
    assert answer.status_code == 422
    assert answer.json()["errors"]
