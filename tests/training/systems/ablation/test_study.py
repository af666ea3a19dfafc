"""A run fits each variant once, scores all on the same cells, and reads nothing of the test period."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from app.forecasting.bundle import load_bundle
from tests.panels import with_streams
from tests.sample import SAMPLE
from tests.training.conftest import TRAINED, VALIDATED
from training.backtest import build_cells
from training.bundles import load_keras
from training.cli import app
from training.folds import Fold
from training.panel import Panel
from training.protocol import OtherRunError
from training.systems.ablation import fitting
from training.systems.ablation.figures import HORIZONS
from training.systems.ablation.fitting import Budget, build_forecaster, fit_folder
from training.systems.ablation.study import FIGURES, TABLES, choose_variants, run_ablation
from training.systems.ablation.variants import FULL, VARIANTS

BUDGET = Budget(days=40, epochs=1, market_epochs=3)
CHOSEN = choose_variants(["min-max", "7 days"])
SEEDS = [1]


@pytest.fixture(scope="module")
def fold(panel: Panel) -> Fold:
    """Of the golden panel."""
    days = panel.days
    return Fold("small", days[TRAINED], days[VALIDATED], days[VALIDATED], days[VALIDATED + 9])


@pytest.fixture(scope="module")
def folder(panel: Panel, fold: Fold, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run that is done."""
    folder = tmp_path_factory.mktemp("ablation") / "run"
    run_ablation(CHOSEN, SEEDS, BUDGET, fold, [panel], folder)
    return folder


def test_all_variants_forecast_the_same_cells_of_the_validation_period(
    folder: Path, panel: Panel, fold: Fold
) -> None:
    cells = build_cells(panel.until(fold.validate_through), *fold.validation_cutoffs, HORIZONS)
    assert cells["date"].min() == fold.train_through
    assert (cells["date"] < fold.validate_through).all()
    made = [np.load(path) for path in sorted(folder.glob("*.npy"))]
    assert len(made) == len(CHOSEN)
    assert all(len(forecasts) == len(cells) and np.isfinite(forecasts).all() for forecasts in made)
    figures = json.loads((folder / FIGURES).read_text())["groups"]
    assert figures["week"]["cells"] == cells["actual"].notna().sum()
    assert list(figures["week"]["variants"]) == [variant.name for variant in CHOSEN]


def test_a_variants_model_is_as_it_says_and_shares_the_market_where_it_may(folder: Path) -> None:
    full, short, scaled = (folder / f"{name}-1" for name in ("full", "7-days", "min-max"))
    assert load_bundle(short).spec == replace(FULL.inputs, context_length=7)
    layers = [load_keras(each).get_layer("market").get_layer("output") for each in (full, short, scaled)]
    of_market = [layer.get_weights()[0] for layer in layers]
    assert (of_market[0] == of_market[1]).all()
    assert (of_market[0] != of_market[2]).any()
    [asked] = [build_forecaster(v, scaled).spec.context_length for v in CHOSEN if v.name == "min-max"]
    assert asked == 28 + 27


def test_metadata_are_judged_by_the_full_model_under_a_second_stage(fold: Fold, tmp_path: Path) -> None:
    metadata, second, artist = (
        next(v for v in VARIANTS if v.name == n) for n in ("metadata", "multi_input", "artist")
    )
    assert fit_folder(tmp_path, metadata, 2) == fit_folder(tmp_path, FULL, 2) == tmp_path / "full-2"
    for variant in (second, artist):
        plan = BUDGET.plan(variant, 2, fold, tmp_path)
        assert (plan.name, plan.recurrent, plan.market) == ("multi_input", tmp_path / "full-2", None)
        assert plan.epochs == plan.fit_settings.max_epochs == 2
        assert plan.fit_settings.seed == 2


def test_what_is_done_is_not_done_again(
    folder: Path, panel: Panel, fold: Fold, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (folder / FIGURES).read_text()
    for name in ("fit_candidate", "add_forecasts"):
        monkeypatch.delattr(fitting, name)
    run_ablation(CHOSEN, SEEDS, BUDGET, fold, [panel], folder)
    assert (folder / FIGURES).read_text() == before


def test_the_test_period_is_not_read(folder: Path, panel: Panel, fold: Fold) -> None:
    """The run goes on as one on the same data, and finds the same."""
    streams = panel.streams.copy()
    streams[:, VALIDATED + 1 :] = 5.0
    before = (folder / FIGURES).read_text()
    run_ablation(CHOSEN, SEEDS, BUDGET, fold, [replace(panel, streams=streams)], folder)
    assert (folder / FIGURES).read_text() == before


def test_a_folder_of_other_data_or_another_budget_is_refused(folder: Path, panel: Panel, fold: Fold) -> None:
    other = with_streams(panel, panel.streams * 2)
    with pytest.raises(OtherRunError, match="with other data: name another"):
        run_ablation(CHOSEN, SEEDS, BUDGET, fold, [other], folder)
    with pytest.raises(OtherRunError, match="with other budget: name another"):
        run_ablation(CHOSEN, SEEDS, replace(BUDGET, epochs=2), fold, [panel], folder)


def test_the_tables_say_the_budget_and_name_every_variant(folder: Path) -> None:
    text = (folder / TABLES).read_text()
    assert "the last 40 days for 1 epochs" in text
    assert "seeds 1;" in text
    for variant in CHOSEN:
        assert f"\n| {variant.name} | " in text
    assert "redundant |" not in text  # of one seed nothing is
    assert "nan" not in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--fold", "9"], "is one of 1, 2, 3, 4"), (["--variant", "sleep"], "there is no variant sleep")],
)
def test_an_ablation_that_cannot_be_is_refused_with_the_reason(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    charts = ["--data", str(SAMPLE / "charts" / "ph.csv.gz"), "--out", str(tmp_path / "run")]
    refused = CliRunner().invoke(app, ["ablation", *arguments, *charts], env={"COLUMNS": "200"})
    assert refused.exit_code == 2
    assert said in refused.output
    assert not (tmp_path / "run").exists()
