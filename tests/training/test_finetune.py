"""Fine-tuning learns from the days given and no later ones, and leaves alone what it cannot better."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from app.forecasting.bundle import load_bundle
from tests.panels import with_streams
from tests.published_bundles import publish_random
from tests.sample import SAMPLE
from tests.small_bundles import build_small_bundle
from tests.training.conftest import TRAINED, VALIDATED
from training import finetune as module
from training.bundles import load_keras
from training.cli import app
from training.data import fingerprint
from training.evaluation import InSampleError, backtest_bundles
from training.finetune import Choice, TooFewDaysError, _known_days, finetune
from training.fit import Curve, FitSettings
from training.panel import Panel
from training.runs import read_runs
from training.warm_start import describe_warm_start

THROUGH = 80  # an index of a day of the golden panel


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One learning rate, high enough to see it, and a few epochs of small batches."""
    monkeypatch.setattr(module, "LEARNING_RATES", (1e-2,))
    monkeypatch.setattr(module, "SETTINGS", FitSettings(batch_size=4, max_epochs=8, ema_momentum=0.5))


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with random weights: whatever it learns makes it better."""
    return publish_random("gru", tmp_path_factory.mktemp("poor"), seed=5, scale=0.6, learned={})


def _weights(folder: Path) -> list[np.ndarray]:
    weights: list[np.ndarray] = load_keras(folder).get_layer("track").get_weights()
    return weights


def _tune(source: Path, panel: Panel, folder: Path) -> Choice:
    return finetune(source, [panel], panel.region, panel.days[THROUGH], folder)


@pytest.mark.usefixtures("quick")
def test_what_is_better_on_the_last_days_is_kept(poor: Path, panel: Panel, tmp_path: Path) -> None:
    choice = _tune(poor, panel, tmp_path / "tuned")
    assert choice.comparison.is_won
    bundle = load_bundle(tmp_path / "tuned")
    assert bundle.trained_through == str(panel.days[THROUGH])
    assert bundle.training["from"]["bundle"] == "gru/1"
    assert bundle.training["data"] == fingerprint([panel.until(panel.days[THROUGH])])
    assert bundle.training["regions"] == {"ph": [str(panel.days[0]), str(panel.days[THROUGH])]}
    assert bundle.training["finetuned"]["last"] == str(panel.days[THROUGH - 1])
    for before, after in zip(_weights(poor), _weights(tmp_path / "tuned"), strict=True):
        assert (before != after).any()


def test_days_after_those_given_are_taken_out_before_anything_is_made(panel: Panel) -> None:
    streams, positions = panel.streams.copy(), panel.positions.copy()
    streams[:, THROUGH + 1 :] *= 7
    positions[:, THROUGH + 1 :] = 1
    spoilt = replace(panel, streams=streams, positions=positions)
    known = [_known_days([each], "ph", panel.days[THROUGH]) for each in (panel, spoilt)]
    assert known[0].days[-1] == panel.days[THROUGH]
    assert fingerprint(known[:1]) == fingerprint(known[1:])
    assert fingerprint([panel]) != fingerprint([spoilt])


def test_weights_that_no_setting_betters_stay_as_they_are(
    candidates: Path, panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEARNING_RATES", (1e-12,))
    monkeypatch.setattr(module, "SETTINGS", FitSettings(max_epochs=1))
    us = replace(panel, region="us")
    choice = _tune(candidates / "lstm", us, tmp_path / "kept")
    assert not choice.comparison.is_won
    for one, other in zip(_weights(candidates / "lstm"), _weights(tmp_path / "kept"), strict=True):
        np.testing.assert_array_equal(one, other)
    bundle = load_bundle(tmp_path / "kept")
    assert bundle.trained_through == str(panel.days[TRAINED])
    assert bundle.training["regions"].keys() == {"ph"}
    assert bundle.training["validated_through"] == str(panel.days[THROUGH])  # it was chosen on those days
    with pytest.raises(InSampleError):
        backtest_bundles(
            [tmp_path / "kept"], [us], first=panel.days[VALIDATED], last=panel.days[85], horizons=[1]
        )


def test_fewer_than_sixty_days_are_refused(candidates: Path, panel: Panel, tmp_path: Path) -> None:
    with pytest.raises(TooFewDaysError, match="ph has 59 days with a chart"):
        finetune(candidates / "lstm", [panel], "ph", panel.days[58], tmp_path / "none")
    gap = panel.streams.copy()
    gap[:, 10:30] = np.nan
    with pytest.raises(TooFewDaysError, match="ph has 50 days with a chart"):
        finetune(candidates / "lstm", [with_streams(panel, gap)], "ph", panel.days[69], tmp_path / "none")
    with pytest.raises(ValueError, match="no chart of us in the data given, only of ph"):
        finetune(candidates / "lstm", [panel], "us", panel.days[70], tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_tuned_bundle_counts_all_days_that_it_or_its_source_learned_from(panel: Panel) -> None:
    regions = {"ph": ["2017-01-01", "2020-12-31"], "us": ["2020-01-01", "2020-12-31"]}
    source = replace(build_small_bundle(), training={"regions": regions})

    def regions_after(region: str) -> dict[str, list[str]]:
        tuned_to = replace(panel, region=region)
        curve, settings = Curve([1.0], []), FitSettings()
        through = panel.days[THROUGH]
        record = describe_warm_start(source, [tuned_to], through, settings=settings, epochs=2, curve=curve)
        found: dict[str, list[str]] = record["regions"]
        return found

    assert regions_after("us") == regions
    assert regions_after("de") == regions | {"de": [str(panel.days[0]), str(panel.days[THROUGH])]}


@pytest.mark.usefixtures("quick")
def test_the_command_writes_a_candidate_and_a_record(
    poor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "us"
    charts = ["--data", str(SAMPLE / "charts" / "us.csv.gz"), "--train-through", "2020-12-01"]
    monkeypatch.setattr(module, "SETTINGS", FitSettings(batch_size=64, max_epochs=2))
    asked = ["finetune", "--from", str(poor), "--region", "us", "--out", str(out), *charts]
    wide = {"COLUMNS": "200", "TERM": "dumb"}
    refused = CliRunner().invoke(app, [*asked[:-1], "2020-11-20"], env=wide)
    assert refused.exit_code == 2
    assert "days with a chart up to 2020-11-20: fine-tuning wants 60" in refused.output
    tuned = CliRunner().invoke(app, asked)
    assert tuned.exit_code == 0, tuned.output
    assert f"candidate: {out}" in tuned.output
    run = next(run for run in read_runs() if run["command"] == "finetune" and run["status"] == "done")
    assert run["figures"] == load_bundle(out).training["finetuned"]
    assert len(run["curves"]["validation"]) == 2
    assert run["models"] == ["gru"]
