"""``POST /ingest`` over HTTP: bodies, answers, refusals."""

import datetime as dt
import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.ingest.chart_files import CHARTS, build_csv
from tests.ingest.sending import BODY, CSV, ENTRIES, THREE, assert_problem, send, send_files, send_json
from tests.serving import refuse


def test_a_csv_body_is_stored_and_again_changes_nothing(client: TestClient) -> None:
    answer = send(client, CSV)
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
    again = send(client, gzip.compress(CSV.encode()))
    assert (again.status_code, again.json()["unchanged"], again.json()["batch_id"]) == (200, 3, 2)


def test_json_is_stored_as_the_same_chart(client: TestClient) -> None:
    assert send_json(client, BODY).status_code == 201
    assert send(client, CSV).json()["unchanged"] == 3
    entries = [{**entry, "streams": float(entry["streams"]), "artist": "X", "extra": 1} for entry in ENTRIES]
    answer = send_json(
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
    answer = send_files(client, files)
    assert answer.status_code == 201
    told = [(file["name"], file["region"], file["inserted"]) for file in answer.json()["files"]]
    assert told == [("ph-2020-12-30.csv", "ph", 3), ("us-2020-12-30.csv.gz", "us", 2)]


def test_one_bad_row_and_nothing_is_stored(client: TestClient) -> None:
    bad = build_csv("2020-12-30", [*THREE, (4, "D", "abc"), (5, "E", -1)])
    problem = assert_problem(send(client, bad), 422, "line 5 of api: streams is not a whole number")
    assert problem["rejected"] == 2
    assert problem["rejected_rows"][0] == {
        "file": "api",
        "line": 5,
        "field": "streams",
        "value": "abc",
        "problem": "streams is not a whole number >= 0",
    }
    assert problem["errors"][0] == {"field": "api:5:streams", "problem": "streams is not a whole number >= 0"}
    assert send(client, CSV).json()["inserted"] == 3


def test_with_skip_the_good_rows_are_stored_and_the_bad_ones_reported(client: TestClient) -> None:
    answer = send(client, build_csv("2020-12-30", [*THREE, (4, "D", "abc")]), on_error="skip")
    assert answer.status_code == 201
    report = answer.json()
    assert (report["inserted"], report["rejected"], report["files"][0]["rows"]) == (3, 1, 4)
    assert report["rejected_rows"][0]["line"] == 5


def test_the_first_hundred_rejected_rows_are_listed_and_all_are_counted(lone_client: TestClient) -> None:
    text = build_csv("2020-12-30", [(place, "A", "x") for place in range(1, 151)])
    problem = assert_problem(send(lone_client, text), 422)
    assert (problem["rejected"], len(problem["rejected_rows"])) == (150, 100)


def test_a_dry_run_answers_200_with_the_same_counts(client: TestClient) -> None:
    answer = send(client, CSV, dry_run=True)
    assert (answer.status_code, answer.json()["inserted"], answer.json()["batch_id"]) == (200, 3, None)
    assert send(client, CSV).json()["inserted"] == 3


def test_a_chart_cut_short_is_a_conflict_that_says_so(client: TestClient) -> None:
    send(client, CSV)
    short = build_csv("2020-12-30", THREE[:1])
    assert_problem(send(client, short), 409, "ph 2020-12-30 from 3 rows to 1")
    assert send(client, short, replace=True).json()["removed"] == 2


def test_one_chart_in_two_files_is_rejected(lone_client: TestClient) -> None:
    problem = assert_problem(send_files(lone_client, {"a.csv": CSV, "b.csv": CSV}), 422, "is in a.csv too")
    assert problem["rejected"] == 3
    assert {row["file"] for row in problem["rejected_rows"]} == {"b.csv"}


def test_a_file_without_region_takes_the_only_one_there_is(client: TestClient) -> None:
    bare = CSV.replace(",Region", "").replace(",ph", "")
    assert_problem(send(client, bare), 422, "add region=")
    send(client, CSV)
    assert send(client, bare).json()["files"][0]["region"] == "ph"
    send(client, build_csv("2020-12-30", THREE, region="us"))
    assert_problem(send(client, bare), 422, "there are ph, us")


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
    assert assert_problem(send(lone_client, CSV, **query), 422)["errors"]


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/zip"])
def test_another_content_type_is_refused_naming_those_taken(lone_client: TestClient, kind: str) -> None:
    assert_problem(
        send(lone_client, CSV, kind), 415, "send multipart/form-data, text/csv or application/json"
    )


def test_a_page_saved_as_csv_is_called_one(lone_client: TestClient) -> None:
    name = "regional-ph-daily-2021-01-02.csv"
    page = (CHARTS / "broken" / name).read_bytes()
    assert_problem(send_files(lone_client, {name: page}), 415, "HTML page")
    assert_problem(send(lone_client, b"PK\x03\x04"), 415, "zip archive")


def test_what_is_over_a_limit_is_refused(lone_client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(1_000):
            yield b"x" * 1_000

    assert_problem(send(lone_client, "x" * 20_001), 413)
    assert_problem(
        lone_client.post("/ingest", content=chunks(), headers={"Content-Type": "text/csv"}), 413
    )  # says no Content-Length
    assert_problem(send_files(lone_client, {"a.csv": "x" * 20_001}), 413)
    assert_problem(send(lone_client, json.dumps(BODY) + " " * 10_000, "application/json"), 413)
    assert_problem(send(lone_client, gzip.compress(CSV.encode() + b"\n" * 100_000)), 413, "MAX_UNPACKED")
    many = "Position,Track Name,Streams,URL\n" + "1,,1,\n" * 201
    assert_problem(send(lone_client, many, region="ph", date="2020-12-30"), 413, "MAX_UPLOAD_ROWS")


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
    assert_problem(lone_client.post("/ingest", **form), 422)


def test_a_chart_of_today_is_taken_and_of_tomorrow_is_not(client: TestClient) -> None:
    today = dt.datetime.now(dt.UTC).date()
    tomorrow = today + dt.timedelta(days=2)  # two: midnight may come between these lines
    assert_problem(send(client, build_csv(str(tomorrow), THREE)), 422, "in the future")
    assert send(client, build_csv(str(today), THREE)).status_code == 201


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
