"""A track's artist by id: kept up by whatever writes its artist."""

from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import select

from app.database import Database
from app.forecasting.artists import artist_id
from app.models import Track
from tests.charts_in_store import track_id_of

A, B, C = (track_id_of(letter) for letter in "abc")


def _ingest(client: TestClient, day: str, artists: dict[str, str | None]) -> None:
    entries = [
        {"position": i, "track_id": track_id, "track_name": "T", "artist": artist, "streams": 100 - i}
        for i, (track_id, artist) in enumerate(artists.items(), start=1)
    ]
    body = {"region": "ph", "date": day, "entries": entries}
    assert client.post("/ingest", json=body).status_code == 201


def _read(database: Database) -> dict[str, tuple[str | None, str | None]]:
    with database.read() as connection:
        rows = connection.execute(select(Track.track_id, Track.artist, Track.artist_id))
        return {row[0]: (row[1], row[2]) for row in rows}


def _assert_kept_up(database: Database) -> None:
    stored = _read(database)
    assert stored
    assert {track: of for track, (_, of) in stored.items()} == {
        track: artist_id(artist) for track, (artist, _) in stored.items()
    }


def test_an_upload_that_renames_an_artist_moves_its_track(client: TestClient, database: Database) -> None:
    _ingest(client, "2020-12-30", {A: "Old Name", B: None, C: ", Nobody"})
    _assert_kept_up(database)
    _ingest(client, "2020-12-31", {A: "New Name, Friend", B: "Late", C: None})
    _assert_kept_up(database)
    body: dict[str, Any] = client.get("/artists/new name").json()
    assert [track["track_id"] for track in body["regions"][0]["tracks"]] == [A]
    assert client.get("/artists/Old Name").status_code == 404


def test_metadata_gives_an_artist_only_where_the_charts_gave_none(
    client: TestClient, database: Database
) -> None:
    _ingest(client, "2020-12-31", {A: "Charted", B: None, C: ", Nobody"})
    text = f"track_id,artist_name,key\n{A},Other,1\n{B},Filled,1\n{C},Other,1\n"
    assert client.post("/tracks/metadata", content=text, headers={"content-type": "text/csv"}).is_success
    _assert_kept_up(database)
    assert _read(database)[B] == ("Filled", artist_id("filled"))
