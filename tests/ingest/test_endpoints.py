"""``POST /ingest`` over HTTP: bodies, answers, refusals."""

import datetime as dt
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.config import Settings
from app.main import create_app
from tests.ingest.chart_files import CHARTS, Row, build_csv, track_of
from tests.serving import LOCAL, refuse

THREE: list[Row] = [(1, "A", 300), (2, "B", 200), (3, "C", 100)]
CSV = build_csv("2020-12-30", THREE)
ENTRIES: list[dict[str, Any]] = [
    {"position": place, "track_id": track_of(letter), "streams": streams} for place, letter, streams in THREE
]
BODY = {"region": "ph", "date": "2020-12-30", "entries": ENTRIES}


@pytest.fixture
def lone_client(sqlite_database_url: str, tmp_path: Path) -> Iterator[TestClient]:
    """The app on SQLite alone, with small limits, for what never reaches the store."""
    small = Settings(
        _env_file=None,  # type: ignore[call-arg]
        database_url=sqlite_database_url,
        models_dir=tmp_path,
        max_body_bytes=20_000,
        max_json_bytes=10_000,
        max_unpacked_bytes=100_000,
        max_upload_rows=200,
    )
    with TestClient(create_app(small), raise_server_exceptions=False, client=LOCAL) as started:
        yield started


def _send(client: TestClient, content: str | bytes, kind: str = "text/csv", **query: Any) -> Response:
    answer: Response = client.post("/ingest", content=content, headers={"Content-Type": kind}, params=query)
    return answer


def _send_json(client: TestClient, body: object, **query: Any) -> Response:
    answer: Response = client.post("/ingest", json=body, params=query)
    return answer


def _send_files(client: TestClient, files: dict[str, str | bytes], **query: Any) -> Response:
    answer: Response = client.post("/ingest", files=[("file", item) for item in files.items()], params=query)
    return answer


def _assert_problem(answer: Response, status: int, said: str = "") -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert said in problem["detail"]
    return problem


def test_a_csv_body_is_stored_and_again_changes_nothing(client: TestClient) -> None:
    answer = _send(client, CSV)
    assert answer.status_code == 201
    assert answer.json() == {
        "batch_id": 1,
        "dry_run": False,
        "inserted": 3,
        "updated": 0,
        "unchanged": 0,
        "removed": 0,
        "rejected": 0,
        "files": [
            {
                "name": "api",
                "format": "multi_region_csv",
                "region": "ph",
                "regions": ["ph"],
                "dates": ["2020-12-30"],
                "rows": 3,
                "inserted": 3,
                "updated": 0,
                "unchanged": 0,
                "removed": 0,
                "rejected": 0,
                "skipped": 0,
            }
        ],
        "rejected_rows": [],
    }
    again = _send(client, gzip.compress(CSV.encode()))
    assert (again.status_code, again.json()["unchanged"], again.json()["batch_id"]) == (200, 3, 2)


def test_json_is_stored_as_the_same_chart(client: TestClient) -> None:
    assert _send_json(client, BODY).status_code == 201
    assert _send(client, CSV).json()["unchanged"] == 3
    entries = [{**entry, "streams": float(entry["streams"]), "artist": "X", "extra": 1} for entry in ENTRIES]
    answer = _send_json(
        client, {"region": None, "date": None, "entries": entries}, region="ph", date="2020-12-30"
    )
    assert (answer.status_code, answer.json()["files"][0]["format"]) == (200, "json")


def test_a_form_takes_many_files_gzip_or_not_and_reports_each(client: TestClient) -> None:
    files: dict[str, str | bytes] = {
        "ph-2020-12-30.csv": CSV,
        "C:\\charts\\us-2020-12-30.csv.gz": gzip.compress(
            build_csv("2020-12-30", THREE[:2], region="us").encode()
        ),
    }
    answer = _send_files(client, files)
    assert answer.status_code == 201
    told = [(file["name"], file["region"], file["inserted"]) for file in answer.json()["files"]]
    assert told == [("ph-2020-12-30.csv", "ph", 3), ("us-2020-12-30.csv.gz", "us", 2)]


def test_one_bad_row_and_nothing_is_stored(client: TestClient) -> None:
    bad = build_csv("2020-12-30", [*THREE, (4, "D", "abc"), (5, "E", -1)])
    problem = _assert_problem(_send(client, bad), 422, "line 5 of api: streams is not a whole number")
    assert problem["rejected"] == 2
    assert problem["rejected_rows"][0] == {
        "file": "api",
        "line": 5,
        "field": "streams",
        "value": "abc",
        "problem": "streams is not a whole number >= 0",
    }
    assert problem["errors"][0] == {"field": "api:5:streams", "problem": "streams is not a whole number >= 0"}
    assert _send(client, CSV).json()["inserted"] == 3


def test_with_skip_the_good_rows_are_stored_and_the_bad_ones_reported(client: TestClient) -> None:
    answer = _send(client, build_csv("2020-12-30", [*THREE, (4, "D", "abc")]), on_error="skip")
    assert answer.status_code == 201
    report = answer.json()
    assert (report["inserted"], report["rejected"], report["files"][0]["rows"]) == (3, 1, 4)
    assert report["rejected_rows"][0]["line"] == 5


def test_the_first_hundred_rejected_rows_are_listed_and_all_are_counted(lone_client: TestClient) -> None:
    text = build_csv("2020-12-30", [(place, "A", "x") for place in range(1, 151)])
    problem = _assert_problem(_send(lone_client, text), 422)
    assert (problem["rejected"], len(problem["rejected_rows"])) == (150, 100)


def test_a_dry_run_answers_200_with_the_same_counts(client: TestClient) -> None:
    answer = _send(client, CSV, dry_run=True)
    assert (answer.status_code, answer.json()["inserted"], answer.json()["batch_id"]) == (200, 3, None)
    assert _send(client, CSV).json()["inserted"] == 3


def test_a_chart_cut_short_is_a_conflict_that_says_so(client: TestClient) -> None:
    _send(client, CSV)
    short = build_csv("2020-12-30", THREE[:1])
    _assert_problem(_send(client, short), 409, "ph 2020-12-30 from 3 rows to 1")
    assert _send(client, short, replace=True).json()["removed"] == 2


def test_one_chart_in_two_files_is_rejected(lone_client: TestClient) -> None:
    problem = _assert_problem(_send_files(lone_client, {"a.csv": CSV, "b.csv": CSV}), 422, "is in a.csv too")
    assert problem["rejected"] == 3
    assert {row["file"] for row in problem["rejected_rows"]} == {"b.csv"}


def test_a_file_without_region_takes_the_only_one_there_is(client: TestClient) -> None:
    bare = CSV.replace(",Region", "").replace(",ph", "")
    _assert_problem(_send(client, bare), 422, "add region=")
    _send(client, CSV)
    assert _send(client, bare).json()["files"][0]["region"] == "ph"
    _send(client, build_csv("2020-12-30", THREE, region="us"))
    _assert_problem(_send(client, bare), 422, "there are ph, us")


@pytest.mark.parametrize(
    "query",
    [
        {"region": "zz"},
        {"region": ""},
        {"date": "1609286400"},
        {"date": "30.12.2020"},
        {"date": "2999-01-01"},
        {"on_error": "maybe"},
        {"dry_run": "perhaps"},
        {"region": "us"},
        {"date": "2020-12-29"},
    ],
)
def test_a_query_that_makes_no_sense_or_contradicts_is_refused(
    lone_client: TestClient, query: dict[str, str]
) -> None:
    assert _assert_problem(_send(lone_client, CSV, **query), 422)["errors"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "text",
        {"entries": []},
        {"entries": None, "region": "ph"},
        {**BODY, "date": 1609286400},
        {**BODY, "date": "2999-01-01"},
        {**BODY, "date": None},
        {**BODY, "region": "zz"},
        {**BODY, "region": 5},
        {**BODY, "entries": [5]},
        {**BODY, "entries": [{"position": 1}]},
    ],
)
def test_json_of_another_form_is_refused(lone_client: TestClient, body: object) -> None:
    assert _assert_problem(_send_json(lone_client, body), 422)["errors"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("streams", True),
        ("streams", 1.5),
        ("streams", -1),
        ("streams", 10**30),
        ("streams", None),
        ("streams", [5]),
        ("position", 0),
        ("position", "first"),
        ("track_id", 5),
        ("track_id", "nope"),
        ("track_name", ["a"]),
        ("track_name", "a\0b"),
        ("artist", {"name": "x"}),
        ("artist", True),
    ],
)
def test_a_bad_entry_is_rejected_by_its_number(lone_client: TestClient, field: str, value: object) -> None:
    body = {**BODY, "entries": [ENTRIES[0], {**ENTRIES[1], field: value}]}
    problem = _assert_problem(_send_json(lone_client, body), 422)
    assert [(row["line"], row["field"]) for row in problem["rejected_rows"]] == [(2, field)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"\xff\xfe",
        b"[" * 9_000,
        b'{"region": "\\ud800", "entries": [1]}',
        b'{"region":"ph","date":"2020-12-30","entries":[{"position":1,"streams":' + b"9" * 5_000 + b"}]}",
        b'{"region":"ph","date":"2020-12-30","entries":[{"position":NaN,"streams":Infinity}]}',
    ],
)
def test_broken_json_is_refused(lone_client: TestClient, content: bytes) -> None:
    _assert_problem(_send(lone_client, content, "application/json"), 422)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(st.dictionaries(st.sampled_from([*ENTRIES[0], "track_name", "artist"]), JSON, max_size=5))
def test_no_entry_at_all_is_an_error_of_ours(lone_client: TestClient, entry: dict[str, Any]) -> None:
    body = json.dumps({**BODY, "entries": [{**ENTRIES[0], **entry}]})
    assert _send(lone_client, body, "application/json", dry_run=True).status_code in (200, 422)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/zip"])
def test_another_content_type_is_refused_naming_those_taken(lone_client: TestClient, kind: str) -> None:
    _assert_problem(
        _send(lone_client, CSV, kind), 415, "send multipart/form-data, text/csv or application/json"
    )


def test_a_page_saved_as_csv_is_called_one(lone_client: TestClient) -> None:
    name = "regional-ph-daily-2021-01-02.csv"
    page = (CHARTS / "broken" / name).read_bytes()
    _assert_problem(_send_files(lone_client, {name: page}), 415, "HTML page")
    _assert_problem(_send(lone_client, b"PK\x03\x04"), 415, "zip archive")


def test_what_is_over_a_limit_is_refused(lone_client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(1_000):
            yield b"x" * 1_000

    _assert_problem(_send(lone_client, "x" * 20_001), 413)
    _assert_problem(
        lone_client.post("/ingest", content=chunks(), headers={"Content-Type": "text/csv"}), 413
    )  # says no Content-Length
    _assert_problem(_send_files(lone_client, {"a.csv": "x" * 20_001}), 413)
    _assert_problem(_send(lone_client, json.dumps(BODY) + " " * 10_000, "application/json"), 413)
    _assert_problem(_send(lone_client, gzip.compress(CSV.encode() + b"\n" * 100_000)), 413, "MAX_UNPACKED")
    many = "Position,Track Name,Streams,URL\n" + "1,,1,\n" * 201
    _assert_problem(_send(lone_client, many, region="ph", date="2020-12-30"), 413, "MAX_UPLOAD_ROWS")


@pytest.mark.parametrize(
    "form",
    [
        {"files": [("chart", ("a.csv", CSV))]},
        {"files": [("file", ("a.csv", CSV))], "data": {"region": "ph"}},
        {"content": b"no form", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"content": b"", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
        {"content": b"--x\r\n\r\n", "headers": {"Content-Type": "multipart/form-data"}},
        {"content": b"", "headers": {"Content-Type": b"multipart/form-data; boundary=x; charset=\0"}},
        {"content": b"--x\r\nA: b\r\n\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
    ],
)
def test_a_form_that_is_none_of_files_is_refused(lone_client: TestClient, form: dict[str, Any]) -> None:
    _assert_problem(lone_client.post("/ingest", **form), 422)


def test_a_chart_of_today_is_taken_and_of_tomorrow_is_not(client: TestClient) -> None:
    today = dt.datetime.now(dt.UTC).date()
    tomorrow = today + dt.timedelta(days=2)  # two: midnight may come between these lines
    _assert_problem(_send(client, build_csv(str(tomorrow), THREE)), 422, "in the future")
    assert _send(client, build_csv(str(today), THREE)).status_code == 201


def test_a_mistyped_query_stores_nothing(lone_client: TestClient) -> None:
    chart = build_csv("2020-12-01", [(1, "A", 50)])
    answer = lone_client.post("/ingest?dryrun=true", content=chart, headers={"content-type": "text/csv"})
    problem = refuse(answer, 422)
    assert "dry_run" in problem["detail"]
    assert problem["errors"] == [{"field": "query.dryrun", "problem": "not known"}]
    assert lone_client.get("/tracks").json()["items"] == []


def test_the_document_of_the_api_has_all_bodies_and_answers(lone_client: TestClient) -> None:
    ingest = lone_client.get("/openapi.json").json()["paths"]["/ingest"]["post"]
    assert set(ingest["requestBody"]["content"]) == {"multipart/form-data", "text/csv", "application/json"}
    assert set(ingest["responses"]) == {"200", "201", "401", "403", "409", "413", "415", "422", "429", "503"}
    assert {parameter["name"] for parameter in ingest["parameters"]} == {
        "region",
        "date",
        "on_error",
        "dry_run",
        "replace",
    }
