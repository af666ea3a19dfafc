"""What a client can do to the server below HTTP libraries: sizes and framing; never an error of ours."""

import itertools

import pytest

from tests.bench.processes import Server
from tests.hostile.wire import build_request, exchange

CLOSE = "Connection: close"
CSV = "Content-Type: text/csv"
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
CHUNK = b"10000\r\n" + b"x" * 2**16 + b"\r\n"


@pytest.mark.parametrize(
    ("start", "kind", "length", "setting"),
    [
        ("POST /ingest", CSV, 2_000_001, "CHARTCAST_MAX_BODY_BYTES (2000000 bytes)"),
        ("POST /ingest", JSON, 200_001, "CHARTCAST_MAX_JSON_BYTES (200000 bytes)"),
        ("POST /tracks/metadata", CSV, 10**15, "CHARTCAST_MAX_BODY_BYTES"),
        ("POST /predict", JSON, 100_000_000, "CHARTCAST_MAX_JSON_BYTES"),
        ("POST /predict/batch", JSON, 100_000_000, "CHARTCAST_MAX_JSON_BYTES"),
        ("PUT /tracks/4umIPjkehX1r7uhmGvXiSV/metadata", JSON, 100_000_000, "CHARTCAST_MAX_JSON_BYTES"),
        ("POST /models/reload", JSON, 100_000_000, "CHARTCAST_MAX_JSON_BYTES"),
        ("GET /nowhere", JSON, 100_000_000, "CHARTCAST_MAX_JSON_BYTES"),
    ],
)
def test_a_body_that_says_it_is_too_long_is_refused_unread(
    server: Server, start: str, kind: str, length: int, setting: str
) -> None:
    answer = exchange(server.port, build_request(start, kind, length=length), first=True)
    assert (answer.status, answer.headers["connection"]) == (413, "close")
    assert setting in answer.problem["detail"]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(
    ("start", "kind", "pieces", "status"),
    [
        ("POST /ingest", CSV, 80, 413),
        ("POST /predict", JSON, 80, 413),
        ("PUT /tracks/4umIPjkehX1r7uhmGvXiSV/metadata", JSON, 80, 413),
        ("POST /ingest", "Content-Type: image/png", 30, 415),
        ("POST /nowhere", CSV, 3, 404),
        ("DELETE /ingest", CSV, 30, 405),
    ],
)
def test_a_client_that_sends_all_before_it_looks_sees_the_answer_and_no_reset(
    server: Server, start: str, kind: str, pieces: int, status: int, chunked: bool
) -> None:
    size = CHUNKED if chunked else f"Content-Length: {pieces * 2**16}"
    body = [CHUNK] * pieces + [b"0\r\n\r\n"] if chunked else [b"x" * 2**16] * pieces
    answer = exchange(server.port, build_request(start, kind, CLOSE, size), more=body)
    assert (answer.status, answer.problem["status"], answer.reset) == (status, status, False)


def test_an_endless_body_is_cut_off_and_fills_no_memory(server: Server) -> None:
    before = server.resident_megabytes()
    answer = exchange(
        server.port, build_request("POST /ingest", CSV, CHUNKED), more=itertools.repeat(CHUNK, 5_000)
    )
    assert answer.sent < 150 * 2**20  # of 312 MB
    assert server.resident_megabytes() - before < 50


def test_a_client_that_asks_before_it_sends_is_told_no_or_to_go_on(server: Server) -> None:
    asking = build_request("POST /predict", JSON, "Expect: 100-continue", length=10**8)
    assert exchange(server.port, asking, first=True).status == 413
    asking = build_request("POST /predict", JSON, CLOSE, "Expect: 100-continue", length=2)
    answer = exchange(server.port, asking, b"{}")
    assert answer.raw.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 422 ")


LONG = b"x" * 2**16
MALFORMED = {
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "an unknown method": build_request("FETCH /healthz"),
    "a tunnel": build_request("CONNECT example.com:80"),
    "a path that is not ASCII": build_request("GET /\xff"),
    "a query that is not ASCII": build_request("GET /tracks?q=\xff"),
    "a length that is negative": build_request("POST /predict", "Content-Length: -3"),
    "a length that is no number": build_request("POST /predict", "Content-Length: 1e3"),
    "a length without end": build_request("POST /predict", "Content-Length: " + "9" * 400),
    "no length": build_request("POST /predict", "Content-Length:"),
    "two lengths": build_request("POST /predict", "Content-Length: 3", "Content-Length: 5", body=b"abcde"),
    "a length and chunks": build_request("POST /predict", CHUNKED, length=3),
    "another transfer encoding": build_request("POST /predict", "Transfer-Encoding: gzip"),
    "a NUL in a header": build_request("GET /healthz", "X: a\0b"),
    "a header of two lines": b"GET /healthz HTTP/1.1\r\nHost: a\r\n b\r\nX: y\r\n\r\n",
    "an address of a megabyte": build_request("GET /tracks?q=" + "a" * 2**20),
}


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_request_is_refused_in_words(server: Server, sent: bytes) -> None:
    answer = exchange(server.port, sent)
    assert answer.status == 400
    assert answer.problem["detail"]


@pytest.mark.parametrize(
    ("head", "endless"),
    [
        (b"GET /" + LONG, LONG),
        (b"GET /healthz HTTP/1.1\r\nX: ", LONG),
        (b"GET /healthz HTTP/1.1\r\n", b"X: y\r\n" * 10_000),
        (build_request("POST /predict", JSON, CHUNKED) + b"2\r\n{}\r\n0\r\nX: ", LONG),
        (build_request("POST /predict", JSON, CHUNKED) + b"2;", LONG),
    ],
    ids=["an address", "a header", "many headers", "a trailer", "an extension of a chunk"],
)
def test_what_never_ends_is_cut_off(server: Server, head: bytes, endless: bytes) -> None:
    before = server.resident_megabytes()
    answer = exchange(server.port, head, more=itertools.repeat(endless, 1_000))
    assert answer.sent < 20 * 2**20  # of 62 MB; what a socket's buffers take in is not all read
    assert answer.raw == b"" or answer.status == 400
    assert server.resident_megabytes() - before < 20


@pytest.mark.parametrize(
    "start", ["GET /tracks/", "GET //evil.example/", "GET /predict/", "GET http://evil.example/x"]
)
def test_no_answer_sends_a_client_to_another_host(server: Server, start: str) -> None:
    for host, status in ((b"localhost", 404), (b"evil.example", 403)):
        request = build_request(start, CLOSE).replace(b"Host: chartcast", b"Host: " + host)
        answer = exchange(server.port, request)
        assert answer.status == status
        assert "location" not in answer.headers
        if status == 404:
            assert ("leave out the slash" in answer.problem["detail"]) is start.endswith("/")


@pytest.mark.parametrize("host", ["[bad", 'a/b c"', "a:b:c", "\xe9", "x" * 10_000, ""])
def test_no_host_breaks_an_answer(server: Server, host: str) -> None:
    request = build_request("GET /nowhere", CLOSE).replace(b"chartcast", host.encode("latin-1"))
    assert exchange(server.port, request).problem["instance"] == "/nowhere"


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PATCH", "DELETE"])
def test_a_method_that_is_not_taken_is_refused_naming_the_one_that_is(server: Server, method: str) -> None:
    answer = exchange(server.port, build_request(f"{method} /tracks", CLOSE))
    assert (answer.status, answer.headers["allow"]) == (405, "GET")
    assert answer.raw.endswith(b"\r\n\r\n") is (method == "HEAD")


def test_an_upgrade_is_not_taken_and_the_request_is_answered(server: Server) -> None:
    asking = build_request("GET /healthz", "Upgrade: websocket", "Connection: upgrade")
    answer = exchange(server.port, asking, first=True)
    assert answer.status == 200


def test_two_requests_in_one_piece_are_both_answered(server: Server) -> None:
    answer = exchange(server.port, build_request("GET /healthz") + build_request("GET /nowhere", CLOSE))
    assert [part[:3] for part in answer.raw.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404"]
