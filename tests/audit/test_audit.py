"""Who did what: written with the change, read by an admin."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from app.cli import app
from app.ingest import service as ingest_service
from app.repository.audit import insert_event
from tests.access.stored_keys import bearer, store_key
from tests.ingest.chart_files import Row, build_csv, track_of
from tests.serving import refuse, serve

ROWS: list[Row] = [(1, "A", 300), (2, "B", 200), (3, "C", 100)]
CSV = {"Content-Type": "text/csv"}
Keys = dict[str, dict[str, str]]


@pytest.fixture
def keys(database_url: str) -> Keys:
    return {name: bearer(store_key(database_url, name, name=f"an-{name}")) for name in ("ingest", "admin")}


@pytest.fixture
def client(database_url: str, published_bundles: Path, keys: Keys) -> Iterator[TestClient]:
    with serve(database_url, published_bundles) as started:
        started.headers.update(keys["ingest"])
        yield started


def _upload(client: TestClient, rows: list[Row], **query: Any) -> Any:
    body = build_csv("2020-12-30", rows)
    return client.post("/ingest", params=query, content=body, headers={**CSV, "X-Request-ID": "request-1"})


def _events(client: TestClient, keys: Keys, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/audit", params=query, headers=keys["admin"])
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_an_upload_is_on_record_with_who_sent_which_bytes_and_what_came_of_it(
    client: TestClient, keys: Keys
) -> None:
    body = build_csv("2020-12-30", ROWS).encode()
    assert _upload(client, ROWS).status_code == 201
    [event] = _events(client, keys)
    assert event.pop("at").endswith("Z")
    assert event == {
        "id": 1,
        "action": "ingest",
        "caller": "an-ingest",
        "key_id": 1,
        "request_id": "request-1",
        "batch_id": 1,
        "files": [{"name": "api", "sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}],
        "details": {"inserted": 3, "updated": 0, "unchanged": 0, "removed": 0, "rejected": 0},
    }


def test_every_file_of_a_form_and_a_json_body_are_on_record_as_sent(client: TestClient, keys: Keys) -> None:
    files = [(f"ph-2020-12-0{day}.csv", build_csv(f"2020-12-0{day}", ROWS).encode()) for day in (1, 2)]
    assert client.post("/ingest", files=[("file", file) for file in files]).status_code == 201
    entry = {"position": 1, "track_id": track_of("A"), "streams": 5}
    chart = {"region": "ph", "date": "2020-12-03", "entries": [entry]}
    body = json.dumps(chart).encode()
    assert client.post("/ingest", content=body, headers={"Content-Type": "application/json"}).is_success
    as_json, form = _events(client, keys)
    assert [(file["name"], file["size"]) for file in form["files"]] == [(n, len(data)) for n, data in files]
    assert as_json["files"][0]["sha256"] == hashlib.sha256(body).hexdigest()


def test_what_changed_nothing_for_it_was_refused_or_tried_is_not_on_record(
    client: TestClient, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _upload(client, ROWS, dry_run=True).status_code == 200
    assert _upload(client, [(1, "A", "abc")]).status_code == 422

    def write_and_fail(*arguments: Any, **fields: Any) -> None:
        insert_event(*arguments, **fields)
        raise RuntimeError("the power goes")

    with monkeypatch.context() as patch:  # after all of it was written, before it is committed
        patch.setattr(ingest_service, "insert_event", write_and_fail)
        assert _upload(client, ROWS).status_code == 500
    assert _events(client, keys) == []
    assert _upload(client, ROWS).status_code == 201
    assert _upload(client, ROWS).status_code == 200  # a batch of its own, though nothing changed
    assert [event["details"]["unchanged"] for event in _events(client, keys)] == [3, 0]


def test_metadata_is_on_record(client: TestClient, keys: Keys) -> None:
    body = f"track_id,energy\n{track_of('A')},0.5\n{track_of('B')},7\n".encode()
    assert client.post("/tracks/metadata", content=body, headers=CSV).is_success
    assert client.put(f"/tracks/{track_of('C')}/metadata", json={"key": 2, "mode": None}).is_success
    put, posted = _events(client, keys)
    assert (posted["action"], posted["caller"], posted["batch_id"]) == ("metadata", "an-ingest", None)
    assert posted["details"] == {"rows": 2, "tracks": 1, "rejected": 1}
    assert posted["files"][0]["sha256"] == hashlib.sha256(body).hexdigest()
    assert put["details"] == {"track_id": track_of("C"), "fields": ["key", "mode"]}


def test_what_an_upload_corrected_is_listed_page_by_page(client: TestClient, keys: Keys) -> None:
    assert _upload(client, ROWS).status_code == 201
    changed: list[Row] = [(1, "A", 301), (2, "B", 200), (3, "D", 90)]
    assert _upload(client, changed).json()["removed"] == 1
    page = client.get("/audit/2/corrections?limit=1", headers=keys["admin"]).json()
    row = {"region": "ph", "date": "2020-12-30"}
    became = {"old_position": 1, "old_streams": 300, "new_position": 1, "new_streams": 301}
    assert page["items"] == [row | {"track_id": track_of("A")} | became]
    rest = client.get(
        "/audit/2/corrections", params={"cursor": page["next_cursor"]}, headers=keys["admin"]
    ).json()
    removed = {"old_position": 3, "old_streams": 100, "new_position": None, "new_streams": None}
    assert rest == {"items": [row | {"track_id": track_of("C")} | removed], "next_cursor": None}
    assert client.get("/audit/1/corrections", headers=keys["admin"]).json()["items"] == []
    refuse(client.get("/audit/3/corrections", headers=keys["admin"]), 404)
    refuse(client.get("/audit/2/corrections?cursor=x", headers=keys["admin"]), 422)
    refuse(client.get("/audit/2/corrections"), 403)


def test_pages_go_back_in_time_and_one_upload_can_be_asked_for(client: TestClient, keys: Keys) -> None:
    for streams in range(5):
        assert _upload(client, [(1, "A", streams)]).is_success
    page = client.get("/audit?limit=2", headers=keys["admin"]).json()
    assert [item["batch_id"] for item in page["items"]] == [5, 4]
    rest = client.get("/audit", params={"cursor": page["next_cursor"]}, headers=keys["admin"]).json()
    assert [item["batch_id"] for item in rest["items"]] == [3, 2, 1]
    assert rest["next_cursor"] is None
    assert [item["batch_id"] for item in _events(client, keys, batch_id=2)] == [2]
    refuse(client.get("/audit?cursor=x", headers=keys["admin"]), 422)
    refuse(client.get("/audit"), 403)


def test_without_keys_the_caller_is_loopback(sqlite_database_url: str, published_bundles: Path) -> None:
    with serve(sqlite_database_url, published_bundles) as local:
        assert _upload(local, ROWS).status_code == 201
        [event] = local.get("/audit").json()["items"]
    assert (event["caller"], event["key_id"]) == ("loopback", None)


def _run(*arguments: str) -> Result:
    result = CliRunner().invoke(app, [*arguments])
    assert result.exit_code == 0, result.output
    return result


def test_the_command_line_is_on_record_and_shows_the_record_with_an_uploads_corrections(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARTCAST_DATABASE_URL", database_url)
    file = tmp_path / "ph-2020-12-30.csv"
    for rows in (ROWS, [(1, "A", 301), (2, "B", 200)]):
        file.write_text(build_csv("2020-12-30", rows))
        _run("ingest", "--replace", str(file))
    shown = _run("audit", "--batch", "2").stdout
    assert "ingest, upload 2 by command line: inserted 0, updated 1, unchanged 1, removed 1" in shown
    assert hashlib.sha256(file.read_bytes()).hexdigest() in shown
    assert f"ph 2020-12-30 {track_of('A')}: position 1, 300 streams -> position 1, 301 streams" in shown
    assert f"ph 2020-12-30 {track_of('C')}: position 3, 100 streams -> removed" in shown
    lines = [json.loads(line) for line in _run("audit", "--json").stdout.splitlines()]
    assert [line["batch_id"] for line in lines] == [2, 1]
