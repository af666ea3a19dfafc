"""What a request may be: which region and day it means, and every refusal a problem document."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.charts_in_store import track_id_of
from tests.predict.tracks import charting
from tests.sample import LAST_DAY, Row, Sample, ingest_rows
from tests.serving import predict, refuse, serve

DAY = dt.timedelta(days=1)
JSON = {"content-type": "application/json"}


def test_without_a_region_the_regions_there_are_get_named(forecasts: TestClient, sample: Sample) -> None:
    asked = {"track_id": charting(sample)}
    problem = refuse(forecasts.post("/predict", json=asked), 422)
    assert "ph, us" in problem["detail"]
    assert problem["errors"] == [{"field": "region", "problem": "missing"}]


def test_without_a_region_the_one_in_the_settings_is_meant(
    shared_sample_url: str, published_bundles: Path, sample: Sample
) -> None:
    with serve(shared_sample_url, published_bundles, default_region="us") as client:
        track_id = next(iter(sample.chart("us", LAST_DAY)))
        assert predict(client, track_id, None) == predict(client, track_id, "us")


def test_without_a_region_the_only_one_in_the_store_is_meant(
    database_url: str, published_bundles: Path
) -> None:
    track_id = track_id_of("a")
    with serve(database_url, published_bundles) as client:
        problem = refuse(client.post("/predict", json={"track_id": track_id}), 422)
        assert "none has been ingested yet" in problem["detail"]
        day = dt.date(2020, 3, 9)
        ingest_rows(database_url, [Row("no", day, 1, track_id, "A", "B", 1000)])
        assert predict(client, track_id, None)["region"] == "no"


def test_a_region_without_charts_is_unknown_and_those_there_are_get_named(
    forecasts: TestClient, sample: Sample
) -> None:
    problem = refuse(forecasts.post("/predict", json={"track_id": charting(sample), "region": "se"}), 404)
    assert "Region se" in problem["detail"]
    assert "ph, us" in problem["detail"]


def test_a_region_is_taken_in_any_case_and_one_that_is_none_is_refused(
    forecasts: TestClient, sample: Sample
) -> None:
    assert predict(forecasts, charting(sample), "PH")["region"] == "ph"
    for region in ("zz", "", "philippines", "p", 7, ["ph"]):
        answer = forecasts.post("/predict", json={"track_id": charting(sample), "region": region})
        assert refuse(answer, 422)["errors"][0]["field"] == "body.region"


def test_as_of_is_the_last_ingested_day_unless_said(forecasts: TestClient, sample: Sample) -> None:
    track_id = charting(sample)
    assert predict(forecasts, track_id) == predict(forecasts, track_id, as_of=str(LAST_DAY))
    assert predict(forecasts, track_id, as_of=None)["as_of"] == str(LAST_DAY)


@pytest.mark.parametrize("as_of", [str(LAST_DAY + DAY), "9999-12-31"])
def test_an_as_of_after_the_last_ingested_day_is_refused(
    forecasts: TestClient, sample: Sample, as_of: str
) -> None:
    answer = forecasts.post("/predict", json={"track_id": charting(sample), "region": "ph", "as_of": as_of})
    problem = refuse(answer, 422)
    assert problem["errors"] == [{"field": "as_of", "problem": "after 2020-12-31"}]


@pytest.mark.parametrize("model", ["auto", "lstm", "baseline"])
def test_a_track_is_unknown_until_its_first_day(forecasts: TestClient, sample: Sample, model: str) -> None:
    tracks = sample.by_track["ph"]
    track_id = next(track_id for track_id in tracks if tracks[track_id][0].date > dt.date(2020, 10, 20))
    first = tracks[track_id][0].date
    asked = {"track_id": track_id, "region": "ph", "model": model}
    refuse(forecasts.post("/predict", json={**asked, "as_of": str(first - DAY)}), 404)
    assert predict(forecasts, track_id, model=model, as_of=str(first))["observed_days"] == 1


@pytest.mark.parametrize("as_of", ["2020-10-02", "1970-01-01", "0001-01-01"])
def test_before_the_first_chart_every_track_is_unknown(
    forecasts: TestClient, sample: Sample, as_of: str
) -> None:
    asked = {"track_id": charting(sample), "region": "ph", "as_of": as_of, "include_history": 3650}
    assert as_of in refuse(forecasts.post("/predict", json=asked), 404)["detail"]


def test_a_track_that_no_chart_or_only_another_regions_had_is_unknown(
    forecasts: TestClient, sample: Sample
) -> None:
    elsewhere = next(t for t in sample.chart("us", LAST_DAY) if not sample.days_of("ph", t))
    for track_id in (elsewhere, track_id_of("z")):
        problem = refuse(forecasts.post("/predict", json={"track_id": track_id, "region": "ph"}), 404)
        assert track_id in problem["detail"]
        assert "GET /tracks?region=ph" in problem["detail"]


def test_a_model_named_that_is_not_loaded_is_refused_and_never_swapped(
    shared_sample_url: str, tmp_path: Path, sample: Sample
) -> None:
    with serve(shared_sample_url, tmp_path) as client:
        for model in ("lstm", "gru", "multi_input"):
            asked = {"track_id": charting(sample), "region": "ph", "model": model}
            problem = refuse(client.post("/predict", json=asked), 409)
            assert f"Model {model} is not loaded" in problem["detail"]
            assert "baseline" in problem["detail"]


WRONG: list[tuple[str, Any]] = [
    ("body.track_id", None),
    ("body.track_id", 7),
    ("body.track_id", "short"),
    ("body.track_id", "spotify:album:4umIPjkehX1r7uhmGvXiSV"),
    ("body.horizon", 0),
    ("body.horizon", -1),
    ("body.horizon", 1.5),
    ("body.horizon", "soon"),
    ("body.horizon", None),
    ("body.horizon", True),
    ("body.horizon", "3"),
    ("body.model", "arima"),
    ("body.model", ["lstm"]),
    ("body.as_of", "30.12.2020"),
    ("body.as_of", "2020-02-30"),
    ("body.as_of", "2020-12-30T00:00:00"),
    ("body.as_of", 1609286400),
    ("body.levels", 80),
    ("body.levels", []),
    ("body.levels.0", "wide"),
    ("body.levels", [80] * 10),
    ("body.include_history", -1),
    ("body.include_history", False),
    ("body.include_history", 3651),
    ("body.surprise", 1),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_field_that_is_wrong_is_named(
    forecasts: TestClient, sample: Sample, field: str, value: Any
) -> None:
    name = field.split(".")[1]
    sent = [value] if field.endswith(".0") else value
    asked = {"track_id": charting(sample), "region": "ph", name: sent}
    problem = refuse(forecasts.post("/predict", json=asked), 422)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert all(error["problem"] for error in problem["errors"])
    assert field in problem["detail"]


BAD_BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"4umIPjkehX1r7uhmGvXiSV"',
    b'{"track_id": "\xff"}',
    b'{"track_id": "\\ud800"}',
    b'{"\\ud800": 1}',
    b'{"track_id": "4umIPjkehX1r7uhmGvXiSV", "horizon": NaN}',
    b'{"track_id": "4umIPjkehX1r7uhmGvXiSV", "horizon": 1e999}',
    b'{"track_id": "4umIPjkehX1r7uhmGvXiSV", "horizon": ' + b"9" * 5000 + b"}",
    b"[" * 100_000,
]


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body[:24]))
def test_a_body_that_is_no_request_is_refused_and_breaks_nothing(
    forecasts: TestClient, path: str, body: bytes
) -> None:
    refuse(forecasts.post(path, content=body, headers=JSON), 422)


@pytest.mark.parametrize("kind", ["text/csv", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_of_another_content_type_is_refused(forecasts: TestClient, sample: Sample, kind: str) -> None:
    body = json.dumps({"track_id": charting(sample), "region": "ph"})
    answer = forecasts.post("/predict", content=body, headers={"content-type": kind})
    assert "application/json" in refuse(answer, 422)["detail"]


def test_other_methods_are_refused(forecasts: TestClient) -> None:
    for path in ("/predict", "/predict/batch"):
        refuse(forecasts.get(path), 405)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.dates().map(str)
    | st.sampled_from(["ph", "us", "auto", "lstm", "multi_input", "baseline", track_id_of("a"), 7, 80]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_FIELDS = st.sampled_from(
    ["region", "horizon", "model", "as_of", "levels", "include_history", "include_presence", "items", "x"]
)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(fields={"horizon": 2**70, "as_of": "0001-01-01"}, keep_items=True)
@example(fields={"levels": [80, 2**70]}, keep_items=False)
@given(fields=st.dictionaries(_FIELDS, _VALUES, max_size=4), keep_items=st.booleans())
def test_whatever_is_sent_is_answered_or_refused_but_never_broken(
    forecasts: TestClient, sample: Sample, fields: dict[str, Any], keep_items: bool
) -> None:
    known = {"track_id": charting(sample), "region": "ph"}
    fields = {name: value for name, value in fields.items() if not (keep_items and name == "items")}
    batch = {"items": [known, {"track_id": track_id_of("a")}], **fields}
    for path, body in (("/predict", known | fields), ("/predict/batch", batch)):
        answer = forecasts.post(path, json=body)
        if answer.status_code != 200:
            assert answer.status_code in (404, 409, 422), answer.text
            refuse(answer, answer.status_code)
