"""What is written to stderr: a line for what went wrong or took long, with nobody's secrets in it."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.access.rules import Rule, requires
from app.config import Settings
from app.main import create_app
from app.observability.logs import LogFormat, configure_logging, mask_secrets
from tests.serving import LOCAL, refuse

Lines = list[dict[str, Any]]
PASSWORD = "hunter-2-hunter"


@contextmanager
def _serve(settings: Settings, **changes: Any) -> Iterator[TestClient]:
    app = create_app(settings.model_copy(update={"log_format": "json", **changes}))

    @app.get("/broken/{thing}")
    @requires(Rule.PUBLIC)
    def break_down(thing: str) -> None:
        local = PASSWORD
        raise ZeroDivisionError(f"{thing} and {len(local)}")

    with TestClient(app, client=LOCAL, raise_server_exceptions=False) as client:
        yield client


def _lines(capsys: pytest.CaptureFixture[str], logger: str = "app.requests") -> Lines:
    written = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    return [line for line in written if line["logger"] == logger]


def test_a_failed_request_has_one_line_with_its_id_and_its_exception(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with _serve(settings) as client:
        capsys.readouterr()
        headers = {"X-Request-ID": "abc-1", "Authorization": f"Bearer {PASSWORD}"}
        problem = refuse(client.get(f"/broken/thing?secret={PASSWORD}", headers=headers), 500)
        written = capsys.readouterr().err
    assert problem["request_id"] == "abc-1"
    [line] = [json.loads(text) for text in written.splitlines()]
    assert line["timestamp"].endswith("Z")
    assert 0 < line.pop("duration_ms") < 10_000
    [exception] = line.pop("exception")
    assert (exception["exc_type"], exception["exc_value"]) == ("ZeroDivisionError", "thing and 15")
    assert exception["frames"][-1]["name"] == "break_down"
    assert line.items() >= {
        "event": "request", "level": "error", "logger": "app.requests", "request_id": "abc-1",
        "method": "GET", "route": "/broken/{thing}", "status": 500,
    }.items()  # fmt: skip
    assert PASSWORD not in written


def test_a_good_and_a_refused_request_have_no_line_unless_all_are_asked_for(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with _serve(settings) as client:
        client.get("/healthz")
        client.get("/nowhere")
    assert not _lines(capsys)
    with _serve(settings, log_all_requests=True) as client:
        client.get("/healthz")
        client.get("/nowhere?secret=1")
    assert [(line["level"], line["route"], line["status"]) for line in _lines(capsys)] == [
        ("info", "/healthz", 200),
        ("info", "(unmatched)", 404),
    ]


def test_a_slow_request_has_a_line(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    with _serve(settings, log_slow_seconds=1e-9) as client:
        client.get("/healthz")
    [line] = _lines(capsys)
    assert (line["level"], line["status"]) == ("warning", 200)


def test_a_line_names_the_caller_where_one_is_known(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with _serve(settings, log_all_requests=True) as client:
        app = client.app

        async def as_known(scope: Any, receive: Any, send: Any) -> None:
            scope["state"] = {**scope.get("state", {}), "caller": "nightly upload"}
            await app(scope, receive, send)

        client._transport.app = as_known
        client.get("/healthz")
    [line] = _lines(capsys)
    assert line["caller"] == "nightly upload"


def test_a_line_below_the_level_is_not_written(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with _serve(settings, log_all_requests=True, log_level="warning") as client:
        client.get("/healthz")
        client.get("/broken/thing")
    assert [line["status"] for line in _lines(capsys)] == [500]


def test_what_happens_on_the_way_of_a_request_has_its_id_also_in_a_thread(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with _serve(settings) as client:

        @client.app.get("/telling")  # type: ignore[attr-defined,untyped-decorator]
        @requires(Rule.PUBLIC)
        def tell() -> None:
            logging.getLogger("app.telling").warning("told %s", "so")

        client.get("/telling", headers={"X-Request-ID": "abc-2"})
    [line] = _lines(capsys, "app.telling")
    assert (line["event"], line["request_id"]) == ("told so", "abc-2")


def test_the_servers_own_lines_look_the_same_and_its_access_log_is_off(
    capsys: pytest.CaptureFixture[str],
) -> None:
    server = logging.getLogger("uvicorn.error")
    server.addHandler(logging.StreamHandler())
    configure_logging("info", "json")
    server.error("it went %s", "down", extra={"color_message": "it went \x1b[1mdown"})
    logging.getLogger("uvicorn.access").info("GET /?secret")
    [line] = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    assert (line["event"], line["logger"], line["level"]) == ("it went down", "uvicorn.error", "error")
    assert "color_message" not in line
    assert not logging.getLogger("uvicorn.access").hasHandlers()  # by which uvicorn decides to write none


@pytest.mark.parametrize("log_format", ["auto", "json", "text"])
def test_lines_are_json_unless_text_is_asked_for_or_a_terminal_reads_them(
    log_format: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("info", log_format)
    logging.getLogger("app.any").info("hello", extra={"n": 1})
    line = capsys.readouterr().err.rstrip()
    if log_format == "text":
        assert "hello" in line
        assert "n=1" in line
        assert "\x1b" not in line  # colours are for terminals
    else:
        assert json.loads(line)["n"] == 1


def test_configuring_twice_writes_each_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    configure_logging("info", "json")
    logging.getLogger("app.any").info("hello")
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("at postgresql+psycopg://ann:hunter2@db/charts", "at postgresql+psycopg://ann:***@db/charts"),
        ("Authorization: Bearer abc.def-1", "Authorization: Bearer ***"),
        ('{"authorization": "bearer abc"}', '{"authorization": "bearer ***"}'),
        ("http://127.0.0.1:8000/docs", "http://127.0.0.1:8000/docs"),
        ("mail ann@db", "mail ann@db"),
    ],
)
def test_passwords_of_addresses_and_keys_are_masked(text: str, masked: str) -> None:
    assert mask_secrets(text) == masked
