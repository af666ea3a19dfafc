"""Well-formed requests that mean harm, or nothing: what was sent, the status, what the detail says."""

import gzip
import json
import lzma
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from tests.ingest.chart_files import build_csv, track_of

GOOD = build_csv("2020-12-30", [(1, "A", 300), (2, "B", 200)])
CSV = {"content-type": "text/csv"}
JSON = {"content-type": "application/json"}
A = track_of("A")


def _refuse(answer: Response, status: int, said: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text[:500]
    problem: dict[str, Any] = answer.json()
    assert said in problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    return problem


FILES: dict[str, tuple[bytes, int, str]] = {
    "a zip archive": (b"PK\x03\x04\x14\0", 415, "zip archive or an Excel workbook"),
    "an old Excel workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 415, "old Excel workbook"),
    "a PDF": (b"%PDF-1.7\n", 415, "a PDF"),
    "a Parquet file": (b"PAR1\x15\x04", 415, "a Parquet file"),
    "a page": (b"<!doctype html>", 415, "HTML page"),
    "JSON": (b'{"region": "ph"}', 415, "send it as application/json"),
    "xz": (lzma.compress(GOOD.encode()), 415, "packed with xz"),
    "bzip2": (b"BZh91AY&SY", 415, "packed with bzip2"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04\x58", 415, "packed with zstd"),
    "UTF-16": (GOOD.encode("utf-16"), 415, "UTF-16"),
    "UTF-16 without a mark": (
        GOOD.encode("utf-16-le"),
        422,
        "line 1 holds a NUL byte; the file is damaged, or is",
    ),
    "gzip within gzip": (gzip.compress(gzip.compress(GOOD.encode())), 415, "pack it once"),
    "gzip cut off": (gzip.compress(GOOD.encode())[:-9], 415, "gzip data is damaged"),
    "gzip and something more": (gzip.compress(GOOD.encode()) + b"more", 415, "gzip data is damaged"),
    "invalid UTF-8": (GOOD.encode() + b"\xc3(\n", 422, "line 4 is not UTF-8"),
    "half a surrogate pair": (GOOD.encode() + b"\xed\xa0\x80\n", 422, "line 4 is not UTF-8"),
    "a row of 1,001 cells": (GOOD.encode() + b"x" + b"," * 1_000 + b"\n", 422, "line 4 has over 1,000 cells"),
    "a million blank lines": (gzip.compress(GOOD.encode() + b"\n" * 1_000_001), 413, "a million blank lines"),
}


@pytest.mark.parametrize(("sent", "status", "said"), FILES.values(), ids=FILES)
def test_what_is_no_chart_file_is_called_what_it_is(
    client: TestClient, sent: bytes, status: int, said: str
) -> None:
    _refuse(client.post("/ingest", content=sent, headers=CSV), status, said)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"content-encoding": "br"}, "Content-Encoding br is not taken"),
        ({"content-encoding": "gzip, gzip"}, "send the file as it is, or gzip'd"),
        ({"content-type": "text/csv; charset=iso-8859-1"}, "charset iso-8859-1 is not taken; send UTF-8"),
        ({"content-type": "text/csv; charset=\0"}, "send UTF-8"),
    ],
)
def test_a_file_that_says_to_be_encoded_otherwise_is_refused(
    client: TestClient, headers: dict[str, str], said: str
) -> None:
    _refuse(client.post("/ingest", content=GOOD, headers=CSV | headers), 415, said)


@pytest.mark.parametrize(
    "kind", ["text/csv; charset=UTF-8", 'Text/CSV; charset="utf8"', "text/csv; header=present"]
)
def test_other_parameters_of_a_content_type_do_no_harm(client: TestClient, kind: str) -> None:
    assert client.post("/ingest", content=GOOD, headers={"content-type": kind}).status_code == 201


def test_names_that_look_like_formulas_markup_or_statements_are_kept_as_they_are(client: TestClient) -> None:
    names = [
        "=HYPERLINK(1)",
        "@SUM(A1)",
        "<script>alert(1)</script>",
        "Robert'); DROP TABLE tracks;--",
        "%s %(x)s :y",
    ]
    rows = [(place, letter, 100 - place) for place, letter in enumerate("ABCDE", start=1)]
    text = build_csv("2020-12-30", rows)
    for letter, name in zip("ABCDE", names, strict=True):
        text = text.replace(f"{letter} song", name)
    assert client.post("/ingest", content=text, headers=CSV).status_code == 201
    assert [item["track_name"] for item in client.get("/tracks").json()["items"]] == names
    assert [
        item["track_name"] for item in client.get("/tracks", params={"q": "'); drop"}).json()["items"]
    ] == names[3:4]


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "1e308", "１２３", "-0", "1_000", "0x10", "9" * 400, "+1"]
)
def test_a_number_that_is_none_rejects_its_row(client: TestClient, text: str) -> None:
    sent = build_csv("2020-12-30", [(1, "A", text)])
    problem = _refuse(
        client.post("/ingest", content=sent, headers=CSV), 422, "line 2 of api: streams is not a whole"
    )
    assert problem["rejected_rows"][0]["value"] == text[:200]


@pytest.mark.parametrize(
    "day", ["0000-01-01", "0001-01-01", "2020-02-30", "9999-12-31", "10000-01-01", "２020-01-01"]
)
def test_a_day_that_cannot_be_is_refused_wherever_it_stands(client: TestClient, day: str) -> None:
    in_rows = client.post("/ingest", content=build_csv(day, [(1, "A", 5)]), headers=CSV)
    assert _refuse(in_rows, 422, "line 2 of api: date")["rejected_rows"][0]["field"] == "date"
    bare = GOOD.replace(",Date", "").replace(",2020-12-30", "")
    _refuse(client.post("/ingest", content=bare, headers=CSV, params={"date": day}), 422, "")
    assert client.get(f"/charts/ph/{day}").status_code in (404, 422)
    assert client.get(f"/tracks/{A}/history", params={"from": day}).status_code == 422


KEYS_TWICE = {
    "of the body": '{"region": "ph", "region": "us", "date": "2020-12-30", "entries": [%s]}',
    "of an entry": '{"region": "ph", "date": "2020-12-30", "entries": [%s, {"position": 2, "position": 3}]}',
    "in escapes": '{"region": "ph", "\\u0072egion": "us", "date": "2020-12-30", "entries": [%s]}',
}


@pytest.mark.parametrize("text", KEYS_TWICE.values(), ids=KEYS_TWICE)
def test_an_upload_with_a_key_twice_is_refused_as_one_of_the_two_would_be_lost(
    client: TestClient, text: str
) -> None:
    body = text % json.dumps({"position": 1, "track_id": A, "streams": 5})
    _refuse(client.post("/ingest", content=body, headers=JSON), 422, "twice")


def test_of_a_key_that_a_request_for_a_forecast_has_twice_the_last_counts(client: TestClient) -> None:
    body = f'{{"track_id": "short", "track_id": "{A}", "region": "ph"}}'
    _refuse(client.post("/predict", content=body, headers=JSON), 404, "Region ph has no charts")


def test_a_body_of_many_faults_makes_a_short_answer(client: TestClient) -> None:
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("/predict", {"track_id": A} | {f"x{number}" * 50: 1 for number in range(5_000)}),
        ("/predict/batch", {"items": [{"track_id": "x" * 500}] * 1_000}),
    ]
    for path, body in bodies:
        answer = client.post(path, json=body)
        assert len(_refuse(answer, 422, "Mend the fields")["errors"]) == 100
        assert len(answer.content) < 100_000


def _part(headers: str, body: str = GOOD) -> str:
    return f"--x\r\n{headers}\r\n\r\n{body}\r\n"


FILE = 'Content-Disposition: form-data; name="file"; filename="a"'
FORMS: dict[str, tuple[str, int, str]] = {
    "no name": (_part("Content-Disposition: form-data"), 422, '"name" must be provided'),
    "no file name": (_part('Content-Disposition: form-data; name="file"'), 422, "with a file name"),
    "a form within": (
        _part(f"{FILE}\r\nContent-Type: multipart/mixed; boundary=y", f"--y\r\n\r\n{GOOD}\r\n--y--"),
        415,
        "no daily chart file known here",
    ),
    "a header without end": (_part("X: " + "x" * 100_000), 422, "Invalid multipart data"),
    "a thousand headers": (_part("\r\n".join(["X: y"] * 1_000)), 422, "Invalid multipart data"),
    "ten thousand parts": (_part(FILE, "") * 10_001, 422, "Too many files"),
}


@pytest.mark.parametrize(("parts", "status", "said"), FORMS.values(), ids=FORMS)
def test_a_form_that_is_none_of_files_is_refused(
    client: TestClient, parts: str, status: int, said: str
) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    _refuse(client.post("/ingest", content=f"{parts}--x--\r\n", headers=headers), status, said)


def test_a_thousand_files_go_in_at_once(client: TestClient) -> None:
    days = [
        f"{year}-{month:02}-{day:02}"
        for year in (2018, 2019, 2020)
        for month in range(1, 13)
        for day in range(1, 29)
    ]
    files = [("file", (f"ph-{day}.csv", build_csv(day, [(1, "A", 5)]))) for day in days[:1_000]]
    answer = client.post("/ingest", files=files)
    assert (answer.status_code, answer.json()["inserted"], len(answer.json()["files"])) == (201, 1_000, 1_000)


def test_a_file_name_is_stored_without_its_folders_and_control_characters(client: TestClient) -> None:
    for name in ("../../etc/passwd", "C:\\x\\passwd", "\0pass\nwd", "/passwd", "..\\passwd"):
        answer = client.post("/ingest", files=[("file", (name, GOOD))])
        assert answer.json()["files"][0]["name"] in ("passwd", "pass%0Awd", "%00pass%0Awd")


HARM = [
    "'",
    '"',
    "' OR 1=1--",
    "\0",
    "..",
    "../../etc/passwd",
    "\ud800",
    "\u202e",
    "％００",
    "a" * 5_000,
    "{}",
    "%",
    "\r\n",
]


@pytest.mark.parametrize("text", HARM, ids=ascii)
def test_no_text_in_a_path_or_a_query_breaks_anything(client: TestClient, text: str) -> None:
    client.post("/ingest", content=GOOD, headers=CSV)
    told = quote(text, safe="", errors="surrogatepass")
    history = f"/tracks/{A}/history"
    for path in (
        *(f"/{told}", f"/tracks/{told}", f"/tracks/{told}/history"),
        *(f"/charts/{told}/2020-12-30", f"/charts/ph/{told}"),
        *(f"/tracks?{name}={told}" for name in ("cursor", "limit", "region")),
        *(f"{history}?from={told}", f"{history}?region=ph&cursor={told}", f"{history}?region={told}"),
    ):
        answer = client.get(path)
        assert answer.status_code in (404, 422), (path, answer.text)
        _refuse(answer, answer.status_code, "")
    assert client.get(f"/tracks?q={told}").status_code in (200, 422)
    assert client.put(f"/tracks/{told}/metadata", json={}).status_code in (404, 422)
    assert client.post(f"/ingest?region={told}&date={told}", content=GOOD, headers=CSV).status_code == 422


@pytest.mark.parametrize(
    "limit", ["1e9", "1000000000", "-1", "0", "１", "1_0", "NaN", "9" * 5_000, "1.5", ""]
)
def test_a_limit_that_is_none_is_refused(client: TestClient, limit: str) -> None:
    status = 200 if limit == "1_0" else 422  # pydantic reads it as ten, and no harm comes of it
    assert client.get("/tracks", params={"limit": limit}).status_code == status
