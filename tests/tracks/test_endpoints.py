"""Metadata over HTTP: merged by track, set for one, stored in one transaction."""

import datetime as dt
import gzip
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.config import Settings
from app.database import Database
from app.forecasting.spec import FEATURES
from app.main import create_app
from app.models import Track, TrackMetadata
from app.tracks.service import load_metadata
from app.uploads import Upload
from tests.charts_in_store import store_charts, track_id_of
from tests.serving import LOCAL

A, B = track_id_of("a"), track_id_of("b")
CSV = {"content-type": "text/csv"}


def _metadata(client: TestClient, track_id: str) -> dict[str, Any]:
    metadata: dict[str, Any] = client.get(f"/tracks/{track_id}").json()["metadata"]
    return metadata


def test_files_merge_by_track_and_what_they_lack_stays(client: TestClient) -> None:
    client.post("/tracks/metadata", content=f"track_id,key,energy\n{A},5,0.5\n", headers=CSV)
    answer = client.post(
        "/tracks/metadata", content=f"track_id,key,mode,x\n{A},,1,?\n{B},2,0,?\n", headers=CSV
    )
    assert answer.status_code == 200
    assert answer.json() == {
        "rows": 2,
        "tracks": 2,
        "rejected": 0,
        "ignored_columns": ["x"],
        "files": [{"name": "api", "rows": 2, "tracks": 2, "rejected": 0, "ignored_columns": ["x"]}],
        "rejected_rows": [],
    }
    metadata = _metadata(client, A)
    assert (metadata["key"], metadata["energy"], metadata["mode"], metadata["tempo"]) == (5, 0.5, 1, None)


def test_good_rows_are_stored_beside_bad_ones(client: TestClient) -> None:
    answer = client.post("/tracks/metadata", content=f"track_id,energy\n{A},1.7\n{B},0.7\n", headers=CSV)
    assert answer.status_code == 200
    assert answer.json()["rejected_rows"] == [
        {"file": "api", "line": 2, "field": "energy", "value": "1.7",
         "problem": "Input should be less than or equal to 1"}
    ]  # fmt: skip
    assert client.get(f"/tracks/{A}").status_code == 404
    assert _metadata(client, B)["energy"] == 0.7


def test_a_form_has_several_files_and_the_source_is_the_last_files_name(client: TestClient) -> None:
    parts = [
        ("file", ("folder\\one.csv", gzip.compress(f"track_id,key\n{A},1\n".encode()))),
        ("file", ("two.json", f'[{{"track_id": "{A}", "mode": 0}}]')),
    ]
    answer = client.post("/tracks/metadata", files=parts)
    assert [file["name"] for file in answer.json()["files"]] == ["one.csv", "two.json"]
    assert answer.json()["tracks"] == 1
    metadata = _metadata(client, A)
    assert (metadata["key"], metadata["mode"], metadata["source"]) == (1, 0, "two.json")


def test_one_unreadable_file_and_nothing_of_the_form_is_stored(client: TestClient) -> None:
    parts = [("file", ("one.csv", f"track_id,key\n{A},1\n")), ("file", ("two.csv", "<html></html>"))]
    assert client.post("/tracks/metadata", files=parts).status_code == 415
    assert client.get(f"/tracks/{A}").status_code == 404


def test_a_form_without_a_file_is_refused(client: TestClient) -> None:
    answer = client.post("/tracks/metadata", files=[("other", ("one.csv", "track_id,key\n"))])
    assert answer.status_code == 422
    assert "named file" in answer.json()["detail"]


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_over_the_limit_is_refused_however_it_is_sent(settings: Settings, chunked: bool) -> None:
    small = settings.model_copy(update={"max_body_bytes": 100})
    with TestClient(create_app(small), client=LOCAL) as client:
        body = iter([b"x" * 60, b"x" * 60]) if chunked else b"x" * 101
        assert client.post("/tracks/metadata", content=body, headers=CSV).status_code == 413
        files = [("file", ("one.csv", b"x" * 101))]
        assert client.post("/tracks/metadata", files=files).status_code == 413


def test_names_fill_in_only_where_the_charts_gave_none(client: TestClient, database: Database) -> None:
    store_charts(database, {("ph", "2020-12-30"): {A: 9, B: 8}}, {A: ("Kept", None), B: (None, None)})
    text = f"track_id,track_name,artist_name,key\n{A},Other,Filled,1\n{B},Both,\n"
    client.post("/tracks/metadata", content=text + f"{B},Both,,2\n", headers=CSV)
    kept, filled = client.get("/tracks").json()["items"]
    assert (kept["track_name"], kept["artist"]) == ("Kept", "Filled")
    assert (filled["track_name"], filled["artist"]) == ("Both", None)


def test_a_put_sets_what_it_sends_and_clears_what_is_null(client: TestClient) -> None:
    client.put(f"/tracks/{A}/metadata", json={"key": 5, "mode": 1, "energy": 0.5})
    answer = client.put(f"/tracks/spotify:track:{A}/metadata", json={"key": None, "energy": 0.25, "uri": "u"})
    assert answer.status_code == 200
    assert answer.json()["track_id"] == A
    assert answer.json()["ignored_columns"] == ["uri"]
    metadata = answer.json()["metadata"]
    assert metadata == _metadata(client, A)
    assert (metadata["key"], metadata["mode"], metadata["energy"]) == (None, 1, 0.25)
    assert metadata["source"] == "api"
    assert dt.datetime.fromisoformat(metadata["updated_at"]).utcoffset() == dt.timedelta(0)


@pytest.mark.parametrize(
    "body",
    [{"energy": 1.01}, {"key": "x"}, {"mode": True}, {"duration_ms": 0}, {"release_date": 2016}, [], None],
)
def test_a_put_outside_the_ranges_is_refused_and_stores_nothing(client: TestClient, body: Any) -> None:
    answer = client.put(f"/tracks/{A}/metadata", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"]
    assert client.get(f"/tracks/{A}").status_code == 404


@pytest.mark.parametrize(
    "content", [b'{"energy": NaN}', b"{", b'{"\\ud800": 1, "key": 1}', b'{"key":' + b"[" * 99_999]
)
def test_no_body_breaks_a_put(client: TestClient, content: bytes) -> None:
    headers = {"content-type": "application/json"}
    assert client.put(f"/tracks/{A}/metadata", content=content, headers=headers).status_code < 500


@pytest.mark.parametrize(
    "item",
    [
        '"\\ud800"',
        '{"\\ud800": 1}',
        '{"track_id": "\\ud800", "track_name": "\\ud800"}',
        '{"track_id": "A", "track_name": "\\u0000"}',
        '{"track_id": "A", "artist": "\\udfff"}',
        '{"track_id": "A", "release_date": "\\ud800"}',
        '{"track_id": "A", "key": ' + "[" * 400 + "]" * 400 + "}",
        "[" * 400 + "]" * 400,
    ],
)
def test_no_item_of_a_list_breaks_the_upload(client: TestClient, item: str) -> None:
    items = f'[{item}, {{"track_id": "{B}", "key": 1}}]'.replace('"A"', f'"{A}"')
    answer = client.post("/tracks/metadata", content=items)
    assert answer.status_code == 200
    assert answer.json()["rejected"] == 1
    assert _metadata(client, B)["key"] == 1


def test_both_real_files_make_thirteen_features(
    database: Database, settings: Settings, real_data: Path
) -> None:
    paths = [real_data / "ph" / name for name in ("spotify_daily_charts_tracks.csv", "time_signature.csv")]
    report = load_metadata(database, settings, [Upload(path.name, path.read_bytes()) for path in paths])
    assert (report.rows, report.rejected) == (3267 + 2252, 0)
    assert report.files[0].ignored_columns == ["artist_id", "album_id", "popularity"]
    complete = [getattr(TrackMetadata, name).is_not(None) for name in FEATURES]
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(Track)) == report.tracks
        assert connection.scalar(select(func.count()).select_from(TrackMetadata).where(*complete)) == 2252
