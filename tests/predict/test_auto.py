"""Which model ``auto`` takes, and that it says so; a model named outright is never swapped."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.forecasting.gate import Verdict
from app.model_store import ModelStore, start_model
from app.predict.selection import Choice, heed_past, select_model
from tests.charts_in_store import track_id_of
from tests.predict.tracks import charting
from tests.published_bundles import FIGURES, build_backtest, publish_random
from tests.sample import LAST_DAY, Row, Sample, ingest_rows, tracks_with_metadata
from tests.serving import predict, serve
from tests.small_bundles import publish_small


@pytest.mark.parametrize(
    ("region", "with_metadata", "best"),
    [("ph", True, "multi_input"), ("ph", False, "gru"), ("us", True, "lstm"), ("us", False, "lstm")],
)
def test_auto_takes_the_best_model_by_its_backtest_of_the_region(
    forecasts: TestClient, sample: Sample, region: str, with_metadata: bool, best: str
) -> None:
    known = tracks_with_metadata()
    track_id = next(t for t in sample.chart(region, LAST_DAY) if (t in known) == with_metadata)
    body = predict(forecasts, track_id, region, model="auto")
    assert body["model"].items() >= {"name": best, "version": 1, "requested": "auto"}.items()
    assert body["metadata_used"] == (best == "multi_input")
    reason = body["model"]["reason"]
    assert best in reason
    assert f"{FIGURES[region][best]:.3f} of chart_weekday's" in reason
    assert ("the track has metadata" if with_metadata else "the track has no metadata") in reason
    assert predict(forecasts, track_id, region, model=best)["forecasts"] == body["forecasts"]


def test_auto_goes_by_the_mean_of_all_regions_where_the_region_was_not_backtested(
    database_url: str, published_bundles: Path
) -> None:
    track_id = track_id_of("a")
    ingest_rows(database_url, [Row("no", LAST_DAY, 1, track_id, "A", "B", 1000)])
    with serve(database_url, published_bundles) as client:
        body = predict(client, track_id, "no")
    assert body["model"]["name"] == "lstm"  # 0.76 on the mean, before gru's 0.80
    assert "0.760" in body["model"]["reason"]


def test_without_a_loaded_model_auto_is_the_baseline(
    shared_sample_url: str, tmp_path: Path, sample: Sample
) -> None:
    track_id = charting(sample)
    with serve(shared_sample_url, tmp_path) as client:
        body = predict(client, track_id, horizon=7, levels=[50, 80, 95])
        assert body["model"] == {
            "name": "baseline",
            "version": None,
            "requested": "auto",
            "reason": "baseline, as no trained model is loaded",
        }
        assert body["metadata_used"] is False
        named = predict(client, track_id, model="baseline", horizon=7, levels=[50, 80, 95])
        assert named["forecasts"] == body["forecasts"]


def test_with_multi_input_alone_auto_is_the_baseline_for_tracks_without_metadata(
    published_bundles: Path,
) -> None:
    store = ModelStore([published_bundles])
    models = {"multi_input": store.load().models["multi_input"]}
    assert select_model(models, "auto", region="ph", has_metadata=True).model is models["multi_input"]
    choice = select_model(models, "auto", region="ph", has_metadata=False)
    assert choice.model is None
    assert choice.reason == "baseline, as no trained model is loaded for a track without metadata"


@pytest.mark.parametrize(
    ("verdict", "kept", "said"),
    [
        (
            Verdict(60, 60, 0.79, trusted=True),
            True,
            "why; 0.790 of chart_weekday's over the last 60 days in us",
        ),
        (Verdict(60, 0, 0.79, trusted=True), True, "why"),
        (
            Verdict(60, 1, 0.79, trusted=True),
            True,
            "why; 0.790 of chart_weekday's over its 1 day in us so far, filled up to 60 by its backtest",
        ),
        (
            Verdict(7, 7, 1.1, trusted=False),
            False,
            "baseline, as lstm's next-day error was 1.100 of chart_weekday's over the last 7 days in us",
        ),
        (
            Verdict(60, 0, 1.1, trusted=False),
            False,
            "baseline, as lstm's next-day error was 1.100 of chart_weekday's in its backtest",
        ),
    ],
)
def test_the_reason_says_what_the_models_own_past_in_the_region_was(
    tmp_path: Path, verdict: Verdict, kept: bool, said: str
) -> None:
    model = start_model(publish_small(tmp_path))
    choice = heed_past(Choice(model, "why"), verdict, region="us")
    assert choice == Choice(model if kept else None, said)


def test_a_model_named_outright_is_used_however_its_backtest_was(
    forecasts: TestClient, sample: Sample
) -> None:
    track_id = next(iter(sample.chart("us", LAST_DAY)))
    for model in ("multi_input", "gru", "lstm", "baseline"):
        used = predict(forecasts, track_id, "us", model=model)["model"]
        assert (used["name"], used["requested"]) == (model, model)
        assert used["reason"] == f"{model} was asked for by name"


def test_a_backtest_without_the_figure_is_no_reason_to_prefer_a_model(tmp_path: Path) -> None:
    no_figure = {"regions": {"ph": {"7": {}}, "us": {"1": {"methods": {"lstm": {}}}}}}
    publish_random("lstm", tmp_path, seed=1, backtest=no_figure)
    publish_random("gru", tmp_path, seed=1, backtest=build_backtest({"ph": {"gru": 1.5}}))
    models = ModelStore([tmp_path]).load().models
    assert select_model(models, "auto", region="us", has_metadata=False).model is models["gru"]
    del models["gru"]
    choice = select_model(models, "auto", region="us", has_metadata=False)
    assert choice.reason == "the track has no metadata, and lstm is loaded, with no backtest to go by"
