"""Finding artists, reading one."""

from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from app.database import Database
from app.forecasting.artists import artist_id
from tests.charts_in_store import store_charts, track_id_of
from tests.serving import refuse

A, B, C, D, E, F = (track_id_of(letter) for letter in "abcdef")
NAMES: dict[str, tuple[str | None, str | None]] = {
    A: ("One", "Éclair/100%"),
    B: ("Two", "The Zed, Mi Ra"),
    C: ("Three", "éclair/100%, The Zed"),
    D: (None, None),
    E: ("Five", "Mi Ra"),
    F: ("Six", "MI RA "),
}


@pytest.fixture(autouse=True)
def charts(database: Database) -> None:
    store_charts(
        database,
        {
            ("ph", "2020-12-28"): {C: 50, A: 10},
            ("ph", "2020-12-30"): {A: 300, B: 200, D: 100},
            ("us", "2020-12-29"): {E: 5, A: 9000, C: 7},
            ("us", "2020-12-30"): {B: 900, F: 250, E: 250},
        },
        NAMES,
    )


def _names(page: dict[str, Any]) -> list[str]:
    return [item["artist"] for item in page["items"]]


def test_artists_come_latest_observed_first_then_by_their_leading_tracks_streams(client: TestClient) -> None:
    assert _names(client.get("/artists", params={"region": "ph"}).json()) == ["Éclair/100%", "The Zed"]
    assert _names(client.get("/artists", params={"region": "us"}).json()) == [
        "The Zed",
        "MI RA",
        "Éclair/100%",
    ]


def test_across_regions_an_artist_comes_once_under_one_id(client: TestClient) -> None:
    items = client.get("/artists").json()["items"]
    assert [item["artist"] for item in items] == ["The Zed", "Éclair/100%", "MI RA"]
    assert items[1] == {
        "artist_id": artist_id("éclair/100%"),
        "artist": "Éclair/100%",
        "regions": ["ph", "us"],
        "last_observed": "2020-12-30",
    }


@pytest.mark.parametrize("params", [{}, {"region": "ph"}, {"region": "us"}])
@pytest.mark.parametrize("limit", [1, 2])
def test_pages_joined_are_the_whole_listing(client: TestClient, params: dict[str, str], limit: int) -> None:
    whole = client.get("/artists", params=params).json()
    assert whole["next_cursor"] is None
    found, cursor = [], None
    while True:
        asked = params | {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = client.get("/artists", params=asked).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == whole["items"]


@pytest.mark.parametrize(
    ("text", "found"),
    [("éCLAIR", ["Éclair/100%"]), ("mi r", ["MI RA"]), ("0%", ["Éclair/100%"]), ("t%z", []), ("\\", [])],
)
def test_a_search_matches_the_artists_own_name_in_any_case_and_literally(
    client: TestClient, text: str, found: list[str]
) -> None:
    assert _names(client.get("/artists", params={"q": text}).json()) == found


@pytest.mark.parametrize("params", [{"cursor": "nonsense!"}, {"limit": 0}, {"region": "zz"}, {"q": "a\0b"}])
def test_a_listing_that_cannot_be_is_refused(client: TestClient, params: dict[str, Any]) -> None:
    assert refuse(client.get("/artists", params=params), 422)["errors"]
    refuse(client.get("/artists", params={"region": "fr"}), 404)


@pytest.mark.parametrize("named", ["Éclair/100%", "éclair/100%", "ÉCLAIR/100%, Somebody", "id"])
def test_an_artist_is_found_by_name_in_any_spelling_or_by_id(client: TestClient, named: str) -> None:
    path = quote(named, safe="/") if named != "id" else artist_id("Éclair/100%")
    answer = client.get(f"/artists/{path}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["artist_id"], body["artist"]) == (artist_id("Éclair/100%"), "Éclair/100%")
    ph, us = body["regions"]
    assert ph == {
        "region": "ph",
        "first_day": "2020-12-28",
        "last_observed": "2020-12-30",
        "observed_days": 2,
        "streams": 360,
        "tracks": [
            {
                "track_id": A,
                "track_name": "One",
                "first_day": "2020-12-28",
                "last_observed": "2020-12-30",
                "observed_days": 2,
                "streams": 310,
            },
            {
                "track_id": C,
                "track_name": "Three",
                "first_day": "2020-12-28",
                "last_observed": "2020-12-28",
                "observed_days": 1,
                "streams": 50,
            },
        ],
    }
    assert (us["observed_days"], us["streams"], len(us["tracks"])) == (1, 9007, 2)
    alone = client.get(f"/artists/{path}", params={"region": "us"}).json()
    assert alone["regions"] == [us]


def test_an_unknown_artist_is_refused_with_the_mend(client: TestClient) -> None:
    assert "GET /artists?q=" in refuse(client.get("/artists/Nobody"), 404)["detail"]
    assert "region ph" in refuse(client.get("/artists/Mi Ra", params={"region": "ph"}), 404)["detail"]
    for nameless in (" ", ", Bob", "a%00b"):
        assert refuse(client.get(f"/artists/{nameless}"), 422)["errors"]


def test_metadata_names_an_artist_where_charts_did_not(client: TestClient) -> None:
    text = f"track_id,artist_name,key\n{D},Filled,1\n{A},Other,1\n"
    assert client.post("/tracks/metadata", content=text, headers={"content-type": "text/csv"}).is_success
    assert _names(client.get("/artists", params={"q": "filled"}).json()) == ["Filled"]
    assert _names(client.get("/artists", params={"q": "other"}).json()) == []
