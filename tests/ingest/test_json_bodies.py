"""JSON in the body of ``POST /ingest``: what is none, and entries that are none."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.ingest.sending import BODY, ENTRIES, assert_problem, send, send_json


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
    assert assert_problem(send_json(lone_client, body), 422)["errors"]


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
    problem = assert_problem(send_json(lone_client, body), 422)
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
    assert_problem(send(lone_client, content, "application/json"), 422)


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
    assert send(lone_client, body, "application/json", dry_run=True).status_code in (200, 422)
