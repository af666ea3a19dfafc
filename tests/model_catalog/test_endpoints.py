"""``/models``: what is served, and what a reload makes of newly published bundles."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.forecasting.spec import FEATURES, ForecastSpec
from app.model_store import ModelStore
from tests.predict.tracks import charting
from tests.published_bundles import build_backtest, publish_random
from tests.sample import Sample
from tests.serving import predict, serve


@pytest.fixture
def models_dir(published_bundles: Path, tmp_path: Path) -> Path:
    """The first versions of all three models, in a folder of the test's own."""
    return Path(shutil.copytree(published_bundles, tmp_path / "models"))


@pytest.fixture
def client(shared_sample_url: str, models_dir: Path) -> Iterator[TestClient]:
    """The app with those models."""
    with serve(shared_sample_url, models_dir) as started:
        yield started


def _versions(client: TestClient) -> dict[str, int]:
    return {item["name"]: item["version"] for item in client.get("/models").json()["items"]}


def _forecast(client: TestClient, sample: Sample) -> tuple[int, float]:
    body = predict(client, charting(sample), model="gru")
    return body["model"]["version"], body["forecasts"][0]["streams"]


def test_each_model_is_listed_with_its_version_spec_and_figures(client: TestClient) -> None:
    listing = client.get("/models").json()
    assert listing.keys() == {"items", "next_cursor", "refused", "pinned", "row_models"}
    assert (listing["next_cursor"], listing["refused"], listing["pinned"]) == (None, {}, {})
    assert [item["name"] for item in listing["items"]] == ["multi_input", "lstm", "gru"]
    for item in listing["items"]:
        assert item.keys() == {"name", "version", "trained_through", "spec", "training", "backtest"}
        assert (item["version"], item["trained_through"]) == (1, "2020-09-30")
        assert item["backtest"] == build_backtest()
        spec = ForecastSpec()
        assert item["spec"] == {
            "context_length": 28,
            "max_horizon": 28,
            "direct_horizon": 7,
            "levels": [50, 80, 95],
            "quantile_levels": [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975],
            "past_covariates": list(spec.past_covariates),
            "known_future_covariates": list(spec.known_future_covariates),
            "static_covariates": list(FEATURES) if item["name"] == "multi_input" else [],
        }


def test_a_newly_published_version_serves_after_a_reload_and_not_before(
    client: TestClient, models_dir: Path, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _forecast(client, sample)
    with monkeypatch.context() as patched:  # it would find it by itself within two seconds
        patched.setattr(ModelStore, "follow", lambda _: False)
        publish_random("gru", models_dir, seed=70)
        assert _forecast(client, sample) == before
    answer = client.post("/models/reload")
    assert answer.status_code == 200
    assert answer.json() == client.get("/models").json()
    assert _versions(client) == {"multi_input": 1, "lstm": 1, "gru": 2}
    version, streams = _forecast(client, sample)
    assert version == 2
    assert streams != before[1]


@pytest.mark.parametrize("file", ["model.onnx", "spec.json", "backtest.json", "golden.npz"])
def test_a_new_version_that_is_damaged_is_refused_and_the_old_one_goes_on(
    client: TestClient, models_dir: Path, sample: Sample, file: str
) -> None:
    before = _forecast(client, sample)
    broken = Path(shutil.copytree(models_dir / "gru" / "1", models_dir / "gru" / "2"))
    content = (broken / file).read_bytes()
    (broken / file).write_bytes(content[: len(content) // 2])
    reloaded = client.post("/models/reload").json()
    assert list(reloaded["refused"]) == ["gru/2"]
    assert reloaded["refused"]["gru/2"]
    assert _versions(client)["gru"] == 1
    assert _forecast(client, sample) == before
    shutil.rmtree(broken)
    assert client.post("/models/reload").json()["refused"] == {}


def test_a_bundle_copied_to_another_name_or_version_is_refused(client: TestClient, models_dir: Path) -> None:
    shutil.copytree(models_dir / "gru" / "1", models_dir / "gru" / "7")
    shutil.copytree(models_dir / "gru" / "1", models_dir / "lstm" / "2")
    refused = client.post("/models/reload").json()["refused"]
    assert refused.keys() == {"gru/7", "lstm/2"}
    assert all("holds the bundle gru/1" in why for why in refused.values())
    assert _versions(client) == {"multi_input": 1, "lstm": 1, "gru": 1}


def test_a_published_version_takes_the_place_of_the_same_one_shipped(
    published_bundles: Path, tmp_path: Path
) -> None:
    publish_random("gru", tmp_path, seed=71)
    models = ModelStore([published_bundles, tmp_path]).load().models
    assert models["gru"].bundle.training["seed"] == 71
    assert models.keys() == {"multi_input", "lstm", "gru"}
