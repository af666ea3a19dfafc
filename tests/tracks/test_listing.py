"""Finding tracks, reading one, reading its history."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.database import Database
from tests.charts_in_store import store_charts, track_id_of

A, B, C, D, E = (track_id_of(letter) for letter in "abcde")
NAMES: dict[str, tuple[str | None, str | None]] = {
    A: ("Éclair 100%", "Zed"),
    B: ("Slow Tide", "The Éclairs"),
    C: ("under_score", "Mi Ra"),
    D: (None, None),
    E: ("Far Away", "Mi Ra"),
}


@pytest.fixture(autouse=True)
def charts(database: Database) -> None:
    store_charts(
        database,
        {
            ("ph", "2020-12-28"): {C: 50, A: 10},
            ("ph", "2020-12-30"): {A: 300, B: 200, D: 100},
            ("us", "2020-12-29"): {E: 5, A: 9000},
            ("us", "2020-12-30"): {B: 900, C: 250},
        },
        NAMES,
    )


def _ids(page: dict[str, Any]) -> list[str]:
    return [item["track_id"] for item in page["items"]]


def _pages(client: TestClient, path: str, **params: Any) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        page = client.get(path, params={**params, **({"cursor": cursor} if cursor else {})}).json()
        yield page
        cursor = page["next_cursor"]
        if cursor is None:
            return


def test_tracks_come_latest_observed_first_then_by_streams(client: TestClient) -> None:
    assert _ids(client.get("/tracks", params={"region": "ph"}).json()) == [A, B, D, C]


def test_across_regions_a_track_stands_where_it_was_seen_last_and_comes_once(client: TestClient) -> None:
    assert _ids(client.get("/tracks").json()) == [B, A, C, D, E]


def test_a_listed_track_says_what_is_known_of_it(client: TestClient) -> None:
    client.put(f"/tracks/{A}/metadata", json={"energy": 0.5})
    client.put(f"/tracks/{B}/metadata", json={"release_date": "2020"})
    first, second = client.get("/tracks", params={"region": "ph", "limit": 2}).json()["items"]
    assert first == {
        "track_id": A,
        "track_name": "Éclair 100%",
        "artist": "Zed",
        "regions": ["ph", "us"],
        "last_observed": "2020-12-30",
        "has_metadata": True,
    }
    assert second["has_metadata"] is False  # a release date alone is none of the 13 features


@pytest.mark.parametrize("params", [{}, {"region": "ph"}, {"region": "us"}])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_joined_are_the_whole_listing(client: TestClient, params: dict[str, str], limit: int) -> None:
    whole = client.get("/tracks", params=params).json()
    assert whole["next_cursor"] is None
    pages = list(_pages(client, "/tracks", limit=limit, **params))
    assert [track_id for page in pages for track_id in _ids(page)] == _ids(whole)
    assert all(len(page["items"]) == limit for page in pages[:-1])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("éCLAIR", [B, A]),
        ("mi ra", [C, E]),
        ("100%", [A]),
        ("r_s", [C]),
        ("w%t", []),
        ("  ", [B, A, C, D, E]),
        ("\\", []),
    ],
)
def test_a_search_matches_names_and_artists_in_any_case_and_literally(
    client: TestClient, text: str, found: list[str]
) -> None:
    assert _ids(client.get("/tracks", params={"q": text}).json()) == found


@pytest.mark.parametrize(
    "params",
    [
        {"cursor": "nonsense!"},
        {"cursor": "MjAyMC0xMi0zMA"},
        {"cursor": "MjAyMC0xMy0zMHwxfGFhYWFhYWFhYWFhYWFhYWFhYWFhYWE"},  # a month 13
        {"cursor": "MjAyMC0xMi0zMHw5OTk5OTk5OTk5OTk5OTk5OTk5OXxhYWFhYWFhYWFhYWFhYWFhYWFhYWFh"},
        {"limit": 0},
        {"limit": 10**9},
        {"region": "zz"},
        {"q": "a\0b"},
    ],
)
def test_a_listing_that_cannot_be_is_refused(client: TestClient, params: dict[str, Any]) -> None:
    answer = client.get("/tracks", params=params)
    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_a_region_without_charts_lists_nothing_but_an_error(client: TestClient) -> None:
    assert client.get("/tracks", params={"region": "fr"}).status_code == 404


def test_a_track_says_how_long_each_chart_has_had_it(client: TestClient) -> None:
    track = client.get(f"/tracks/spotify:track:{A}").json()
    address = f"https%3A%2F%2Fopen.spotify.com%2Fintl-de%2Ftrack%2F{A}%3Fsi=x"
    assert client.get(f"/tracks/{address}").json() == track
    assert client.get(f"/tracks/{address}/history", params={"region": "us"}).json()["track_id"] == A
    assert track["track_name"] == "Éclair 100%"
    assert track["metadata"] is None
    assert track["regions"] == [
        {"region": "ph", "first_day": "2020-12-28", "last_day": "2020-12-30", "observed_days": 2},
        {"region": "us", "first_day": "2020-12-29", "last_day": "2020-12-29", "observed_days": 1},
    ]


def test_a_track_that_only_has_metadata_is_there_without_regions(client: TestClient) -> None:
    unseen = track_id_of("z")
    assert client.get(f"/tracks/{unseen}").status_code == 404
    client.put(f"/tracks/{unseen}/metadata", json={"key": -1})
    track = client.get(f"/tracks/{unseen}").json()
    assert track["regions"] == []
    assert track["metadata"]["key"] == -1
    assert unseen not in _ids(client.get("/tracks").json())


@pytest.mark.parametrize("track_id", ["short", "a" * 23, "spotify:album:" + "a" * 22, "metadata", "%00"])
def test_a_bad_track_id_is_refused(client: TestClient, track_id: str) -> None:
    assert client.get(f"/tracks/{track_id}").status_code == 422
    assert client.get(f"/tracks/{track_id}/history").status_code == 422
    assert client.put(f"/tracks/{track_id}/metadata", json={}).status_code == 422


def test_a_history_has_the_days_on_the_chart_the_oldest_first(client: TestClient) -> None:
    page = client.get(f"/tracks/{A}/history", params={"region": "ph"}).json()
    assert page == {
        "track_id": A,
        "region": "ph",
        "items": [
            {"date": "2020-12-28", "streams": 10, "position": 2},
            {"date": "2020-12-30", "streams": 300, "position": 1},
        ],
        "next_cursor": None,
    }


def test_a_history_is_cut_to_the_days_asked_for_and_to_pages(client: TestClient) -> None:
    path = f"/tracks/{A}/history"
    cut = client.get(path, params={"region": "ph", "from": "2020-12-29", "to": "2020-12-30"}).json()
    assert [item["date"] for item in cut["items"]] == ["2020-12-30"]
    pages = list(_pages(client, path, region="ph", limit=1))
    assert [page["items"][0]["date"] for page in pages] == ["2020-12-28", "2020-12-30"]


def test_a_history_without_a_region_names_the_regions_there_are(client: TestClient) -> None:
    answer = client.get(f"/tracks/{A}/history")
    assert answer.status_code == 422
    assert "ph, us" in answer.json()["detail"]


@pytest.mark.parametrize(
    "params",
    [
        {"from": "2020-12-31", "to": "2020-12-30"},
        {"from": "1609286400"},
        {"to": "yesterday"},
        {"cursor": "x"},
        {"cursor": "MjAyMC0xMi0zMHwx"},
    ],
)
def test_a_history_that_cannot_be_is_refused(client: TestClient, params: dict[str, str]) -> None:
    assert client.get(f"/tracks/{A}/history", params={"region": "ph", **params}).status_code == 422


def test_a_track_the_region_never_had_is_not_found(client: TestClient) -> None:
    answer = client.get(f"/tracks/{D}/history", params={"region": "us"})
    assert answer.status_code == 404
    assert "it has charted in ph" in answer.json()["detail"]
