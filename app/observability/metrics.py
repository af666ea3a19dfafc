"""What is counted, and where the other rooms say that something happened.

One set for the process, as prometheus_client has it. With several workers each keeps its own numbers in a
folder they share (``app.observability.workers``), and whichever is asked adds them up.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Protocol

from prometheus_client import Counter, Histogram, disable_created_metrics

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # seconds
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
# What a row can be at fault in; a client cannot add to it.
FIELDS = ("region", "date", "position", "track_id", "streams", "track_name", "artist", "chart", "row")
STORED = ("inserted", "updated", "unchanged", "removed")

# A second series for each, of when it began, that nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]

_REQUESTS = Counter(
    "chartcast_http_requests", "Requests answered, by route template.", ("method", "route", "status")
)
_DURATIONS = Histogram(
    "chartcast_http_request_duration_seconds",
    "From a request's first byte to its answer's last.",
    ("method", "route"),
    buckets=BUCKETS,
)
_FORECASTS = Counter(
    "chartcast_forecasts",
    "Forecasts made of a track, by the model that answered and the one that was asked for.",
    ("model", "version", "requested"),
)
_ROWS = Counter(
    "chartcast_ingest_rows", "Chart rows of uploads that were stored, by what became of them.", ("outcome",)
)
_REJECTED = Counter(
    "chartcast_ingest_rejected_rows", "Chart rows refused, by the field at fault.", ("field",)
)

# Those known beforehand stand at nought from the start: a rate from nothing to something is none.
_ROWS_BY_OUTCOME = {outcome: _ROWS.labels(outcome) for outcome in STORED}
_REJECTED_BY_FIELD = {field: _REJECTED.labels(field) for field in (*FIELDS, OTHER)}


class _AtFault(Protocol):
    @property
    def field(self) -> str: ...


class _RequestSeries:
    """The two series of one kind of request, looked up once."""

    def __init__(self, method: str, route: str, status: int) -> None:
        self.count = _REQUESTS.labels(method, route, str(status))
        self.durations = _DURATIONS.labels(method, route)


_series: dict[tuple[str, str, int], _RequestSeries] = {}


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count an answered request.

    Args:
        method: Of the request; one that HTTP does not know counts as ``other``.
        route: The route's template, never a path as sent: it makes a series of its own.
        status: Of the answer.
        seconds: That it took.
    """
    if method not in METHODS:
        method = OTHER
    key = (method, route, status)
    series = _series.get(key)
    if series is None:
        series = _series[key] = _RequestSeries(method, route, status)
    series.count.inc()
    series.durations.observe(seconds)


def count_forecasts(model: str, version: int | None, requested: str, tracks: int) -> None:
    """Count forecasts of ``tracks`` tracks; the baseline has no version."""
    _forecasts_of(model, version, requested).inc(tracks)


@cache  # of versions that were served and of names that the API takes
def _forecasts_of(model: str, version: int | None, requested: str) -> Counter:
    return _FORECASTS.labels(model, "" if version is None else str(version), requested)


_forecasts_of("baseline", None, "auto")


def count_stored(rows: Mapping[str, int]) -> None:
    """Count the rows of a stored upload, by ``STORED``."""
    for outcome, count in rows.items():
        _ROWS_BY_OUTCOME[outcome].inc(count)


def count_rejected(rejections: Iterable[_AtFault]) -> None:
    """Count rejected rows by the field at fault."""
    for field, count in Tally(rejection.field for rejection in rejections).items():
        _REJECTED_BY_FIELD.get(field, _REJECTED_BY_FIELD[OTHER]).inc(count)
