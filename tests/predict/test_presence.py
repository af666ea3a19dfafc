"""Whether a track will chart: said where it is asked for, the same whichever model forecasts its streams."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from app.config import SHIPPED_BUNDLES
from app.errors import ConflictError
from app.forecasting.presence import Presence, read_outputs
from app.model_store import start_row_model
from app.predict.presence import find_head
from tests.predict.tracks import charting, debut, gone, off_the_chart
from tests.sample import LAST_DAY, REGIONS, Sample
from tests.serving import predict, predict_batch, recorded_statements, refuse, serve
from tests.small_presence import publish_small_presence
from training.data import read_store
from training.systems.presence.cells import build_cells

FIELDS = ("chart_probability", "top50_probability", "expected_rank")
MODELS = ("auto", "lstm", "gru", "multi_input", "baseline")


@pytest.fixture(scope="module")
def models_dir(published_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All models, that of presence too."""
    target = shutil.copytree(published_bundles, tmp_path_factory.mktemp("presence") / "models")
    publish_small_presence(target)
    return target


@pytest.fixture(scope="module")
def client(shared_sample_url: str, models_dir: Path) -> Iterator[TestClient]:
    """The app with all of them, on a sample that nobody writes to."""
    with serve(shared_sample_url, models_dir) as served:
        yield served


def _said(body: dict[str, Any]) -> list[tuple[float, ...]]:
    return [tuple(day[field] for field in FIELDS) for day in body["forecasts"]]


def test_it_is_said_of_each_day_ahead_where_it_is_asked_for(client: TestClient, sample: Sample) -> None:
    for track_id in (charting(sample), charting(sample, with_metadata=False), debut(sample)):
        body = predict(client, track_id, horizon=7, include_presence=True)
        assert len(_said(body)) == 7
        for chart, top50, rank in _said(body):
            assert 0 <= top50 <= chart <= 1
            assert 1 <= rank <= 200
        assert len(set(_said(body))) == 7


def test_it_is_absent_where_it_is_not(client: TestClient, sample: Sample) -> None:
    asked = predict(client, charting(sample), horizon=7, include_presence=True)
    bodies = [predict(client, charting(sample), horizon=7)]
    bodies.append(predict(client, charting(sample), horizon=7, include_presence=False))
    for bare in bodies:
        assert not set(FIELDS) & set().union(*bare["forecasts"])
        for day in asked["forecasts"]:
            day_of_bare = {name: value for name, value in day.items() if name not in FIELDS}
            assert day_of_bare in bare["forecasts"]


def test_it_is_the_same_whichever_model_forecasts(client: TestClient, sample: Sample) -> None:
    said = [
        _said(predict(client, charting(sample), horizon=7, model=m, include_presence=True)) for m in MODELS
    ]
    assert all(one == said[0] for one in said)


def test_a_shorter_horizon_says_the_first_of_the_same_days(client: TestClient, sample: Sample) -> None:
    whole = predict(client, charting(sample), horizon=7, include_presence=True)
    assert _said(predict(client, charting(sample), horizon=2, include_presence=True)) == _said(whole)[:2]


def test_of_days_beyond_the_week_nothing_is_said(client: TestClient, sample: Sample) -> None:
    for model in ("lstm", "baseline"):
        days = predict(client, charting(sample), horizon=9, model=model, include_presence=True)["forecasts"]
        assert [FIELDS[0] in day for day in days] == [True] * 7 + [False] * 2


def test_a_track_off_the_chart_is_told_of_its_return(client: TestClient, sample: Sample) -> None:
    body = predict(client, off_the_chart(sample), horizon=7, include_presence=True)
    assert len(_said(body)) == 7
    track = {"track_id": gone(sample), "region": "ph", "include_presence": True}
    refuse(client.post("/predict", json=track), 409)


def test_what_is_served_is_what_was_trained_on(
    client: TestClient, shared_sample_url: str, models_dir: Path, sample: Sample
) -> None:
    run = start_row_model(models_dir / "presence" / "1").run
    [panel] = [panel for panel in read_store(shared_sample_url) if panel.region == "ph"]
    day = panel.days[-1]
    cells = build_cells(panel, day, day, day)
    presence = read_outputs(cells.rows, run(cells.rows))
    items = [{"track_id": track_id, "region": "ph"} for track_id in sample.by_track["ph"]]
    results = predict_batch(client, items, horizon=7, include_presence=True)
    served = {r["track_id"]: np.array(_said(r)).T for r in results if "problem" not in r}
    tracks = [panel.track_ids[track] for track in cells.tracks]
    assert len(tracks) > 200
    assert set(tracks) == set(served)
    for row, track_id in enumerate(tracks):
        chart, top50, rank = served[track_id]
        np.testing.assert_allclose(chart, presence.chart[row], atol=1e-4)
        np.testing.assert_allclose(top50, presence.top50[row], atol=1e-4)
        np.testing.assert_allclose(rank, presence.rank[row], atol=0.06)


def test_a_batch_is_one_inference_and_says_what_single_requests_do(
    client: TestClient, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [{"track_id": t, "region": "ph"} for t in list(sample.chart("ph", LAST_DAY))[:40]]
    alone = [_said(predict(client, **item, horizon=3, include_presence=True)) for item in items]
    runs: list[int] = []

    def count(rows: NDArray[np.float32], outputs: NDArray[np.float32]) -> Presence:
        runs.append(len(rows))
        return read_outputs(rows, outputs)

    monkeypatch.setattr("app.predict.presence.read_outputs", count)
    results = predict_batch(client, items, horizon=3, include_presence=True)
    assert len({result["model"]["name"] for result in results}) > 1
    assert runs == [len(items)]
    for result, expected in zip(results, alone, strict=True):
        np.testing.assert_allclose(_said(result), expected, atol=0.11)
        np.testing.assert_allclose(np.array(_said(result))[:, :2], np.array(expected)[:, :2], atol=2e-4)


def test_once_a_regions_day_is_known_it_reads_nothing_more(client: TestClient, sample: Sample) -> None:
    predict(client, charting(sample), include_presence=True)
    with recorded_statements(client) as with_it:
        predict(client, charting(sample), horizon=7, include_presence=True)
    with recorded_statements(client) as without:
        predict(client, charting(sample), horizon=7)
    assert len(with_it) == len(without)


def test_without_a_presence_model_it_is_refused_and_the_rest_goes_on(
    forecasts: TestClient, sample: Sample
) -> None:
    item = {"track_id": charting(sample), "region": "ph"}
    problem = refuse(forecasts.post("/predict", json={**item, "include_presence": True}), 409)
    assert "without include_presence" in problem["detail"]
    items = [item, {**item, "region": REGIONS[1]}]
    results = predict_batch(forecasts, items, include_presence=True)
    assert [result["problem"]["status"] for result in results] == [409, 409]
    predict(forecasts, **item)


def test_a_model_of_other_rows_is_refused_and_the_one_that_ships_is_not() -> None:
    shipped = start_row_model(SHIPPED_BUNDLES / "presence" / "1")
    assert find_head({"presence": shipped}) is shipped
    other = replace(shipped, bundle=replace(shipped.bundle, inputs=shipped.bundle.inputs[::-1]))
    with pytest.raises(ConflictError, match="takes other rows than this release makes"):
        find_head({"presence": other})


@pytest.mark.parametrize("given", [1, "true", None, "yes"])
def test_it_is_asked_for_by_true_alone(client: TestClient, sample: Sample, given: object) -> None:
    body = {"track_id": charting(sample), "region": "ph", "include_presence": given}
    problem = refuse(client.post("/predict", json=body), 422)
    assert [error["field"] for error in problem["errors"]] == ["body.include_presence"]
