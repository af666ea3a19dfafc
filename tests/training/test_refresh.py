"""A challenger is published where it beats the champion on weeks that neither has seen, and only there."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from app.forecasting.bundle import Bundle, load_bundle
from app.forecasting.bundle_files import digest_of, list_versions
from app.forecasting.versions import write_pin
from app.model_store import ModelStore
from tests.sample import SAMPLE
from tests.small_bundles import build_small_bundle, publish_small
from training.bundles import find_served, load_keras
from training.cli import app
from training.panel import Panel
from training.refresh import NothingToCompareError, Period, choose_period, refresh
from training.runs import read_runs
from training.warm_start import Warm

DAY = np.timedelta64(1, "D")


def _champion(trained_through: np.datetime64, validated_through: np.datetime64 | None = None) -> Bundle:
    validated = None if validated_through is None else str(validated_through)
    bundle = build_small_bundle()
    return replace(
        bundle, trained_through=str(trained_through), training={"epochs": 1, "validated_through": validated}
    )


def _choose(panels: Sequence[Panel], champion: Bundle | None = None) -> Period:
    return choose_period(panels, champion)


def test_the_newest_four_weeks_are_held_out(panel: Panel) -> None:
    end = panel.days[-1]
    for champion in (None, _champion(end - 40 * DAY), _champion(end - 28 * DAY)):
        period = _choose([panel], champion)
        assert (period.first, period.last) == (end - 28 * DAY, end - DAY)
        assert list(period.panels) == [panel]


def test_days_that_the_champion_has_seen_are_not_compared_on(panel: Panel) -> None:
    end = panel.days[-1]
    for champion in (_champion(end - 20 * DAY), _champion(end - 50 * DAY, end - 20 * DAY)):
        assert _choose([panel], champion).first == end - 20 * DAY
    assert _choose([panel], _champion(end - 14 * DAY)).first == end - 14 * DAY
    with pytest.raises(NothingToCompareError, match=f"has seen the days through {end - 13 * DAY}"):
        _choose([panel], _champion(end - 13 * DAY))


def test_a_region_that_is_no_longer_charted_or_too_new_is_left_out(panel: Panel) -> None:
    stale = replace(panel.until(panel.days[-9]), region="us")
    behind = replace(panel.until(panel.days[-3]), region="de")
    new = replace(panel, region="fr", days=panel.days[40:], streams=panel.streams[:, 40:])
    period = _choose([panel, stale, behind, new])
    assert [each.region for each in period.panels] == ["ph", "de"]
    assert period.last == behind.days[-1] - DAY
    assert period.left_out == {
        "us": f"its charts end on {stale.days[-1]}",
        "fr": f"its charts begin on {new.days[0]}",
    }
    with pytest.raises(NothingToCompareError, match="no region has 60 days"):
        _choose([new])


def test_a_better_challenger_is_published_above_what_is_served(panel: Panel, tmp_path: Path) -> None:
    shipped, models_dir = tmp_path / "shipped", tmp_path / "models"
    publish_small(shipped, version=3, answer=6.0)  # everywhere off by half
    outcome = refresh("lstm", [panel], models_dir, shipped, warm=None)
    assert outcome.comparison is not None
    assert outcome.comparison.is_won
    assert "beats version 3 by more than noise" in outcome.reason
    assert outcome.published == models_dir / "lstm" / "4"
    store = ModelStore([shipped, models_dir])
    store.load()
    bundle = store.models["lstm"].bundle
    assert (bundle.version, bundle.trained_through) == (4, outcome.comparison.first)
    assert bundle.backtest["cutoffs"] == [outcome.comparison.first, outcome.comparison.last]
    assert bundle.backtest["regions"]["ph"]["1"]["methods"]["lstm"]["mae_to_chart_weekday"] > 0


def test_a_challenger_that_is_no_better_is_not_published(
    candidates: Path, panel: Panel, tmp_path: Path
) -> None:
    models_dir = _publish_as_it_is(candidates / "gru", tmp_path / "models")
    outcome = refresh("gru", [panel], models_dir, tmp_path / "none", warm=Warm(1, 1e-9))
    assert outcome.published is None
    assert "does not beat version 1 by more than noise" in outcome.reason
    assert outcome.challenger is not None
    assert outcome.challenger["from"]["bundle"] == "gru/1"
    assert [version for _, version, _ in list_versions(models_dir)] == [1]


def _publish_as_it_is(candidate: Path, models_dir: Path) -> Path:
    from training.bundles import publish

    publish(candidate, models_dir, {"regions": {}})
    return models_dir


def test_the_champion_is_the_newest_that_starts(tmp_path: Path) -> None:
    shipped, models_dir = tmp_path / "shipped", tmp_path / "models"
    assert find_served([shipped, models_dir], "lstm") is None
    publish_small(shipped, version=2)
    publish_small(models_dir, version=1)
    assert find_served([shipped, models_dir], "lstm") == shipped / "lstm" / "2"
    publish_small(models_dir, version=2)
    assert find_served([shipped, models_dir], "lstm") == models_dir / "lstm" / "2"
    (publish_small(models_dir, version=3) / "model.onnx").write_bytes(b"broken")
    assert find_served([shipped, models_dir], "lstm") == models_dir / "lstm" / "2"
    assert find_served([shipped, models_dir], "gru") is None
    write_pin(models_dir, "lstm", 1)
    assert find_served([shipped, models_dir], "lstm") == models_dir / "lstm" / "1"


def test_a_refresh_with_nothing_to_compare_says_so_and_is_no_error(tmp_path: Path) -> None:
    publish_small(tmp_path / "shipped")
    folder = tmp_path / "shipped" / "lstm" / "1"
    assert load_bundle(folder).trained_through == "2020-06-30"
    arguments = ["--model", "lstm", "--models-dir", str(tmp_path / "models"), "--shipped", str(tmp_path)]
    shutil.copytree(folder, tmp_path / "lstm" / "1")
    path = tmp_path / "lstm" / "1" / "spec.json"
    seen = json.loads(path.read_text()) | {"trained_through": "2020-12-31"}
    path.write_text(json.dumps(seen | {"digest": digest_of(seen)}))
    charts = ["--data", str(SAMPLE / "charts" / "ph.csv.gz")]
    refreshed = CliRunner().invoke(app, ["refresh", *arguments, *charts])
    assert refreshed.exit_code == 0, refreshed.output
    assert "nothing to compare, the champion stays" in refreshed.output
    [run] = [run for run in read_runs() if run["command"] == "refresh"]
    assert (run["status"], run["published"]) == ("done", [])
    assert "seen the days through 2020-12-31" in run["outcome"]
    assert not (tmp_path / "models").exists()


def test_a_refresh_of_no_known_model_is_an_error() -> None:
    refused = CliRunner().invoke(app, ["refresh", "--model", "transformer", "--data", "none"])
    assert refused.exit_code == 2


def test_a_warm_start_moves_every_weight_of_the_tracks_part_and_none_of_the_markets(
    candidates: Path, panel: Panel
) -> None:
    from training.fit import FitSettings
    from training.warm_start import examples_of, fit_on

    bundle = load_bundle(candidates / "two_stage")
    settings = FitSettings(batch_size=4, max_epochs=1, learning_rate=1e-2)
    examples = examples_of([panel], bundle, settings, after=None, through=panel.days[70])
    model, _ = fit_on(candidates / "two_stage", bundle, examples, settings=settings, epochs=1)
    source = load_keras(candidates / "two_stage")
    for part, moves in (("track", True), ("market", False)):
        weights = (each.get_layer(part).get_weights() for each in (source, model))
        for before, after in zip(*weights, strict=True):
            assert (before != after).any() == moves
