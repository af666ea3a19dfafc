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
from training.systems.ablation.study import FIGURES, TABLES, run_ablation
from training.systems.ablation.variants import FULL, VARIANTS

BUDGET = Budget(days=40, epochs=1, market_epochs=3)
OF = {variant.name: variant for variant in VARIANTS}
SHORT = replace(OF["min-max"], name="short min-max", context_length=7)
CHOSEN = [FULL, SHORT]
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


def test_a_variants_model_is_as_it_says_in_both_parts(folder: Path) -> None:
    full, short = (fit_folder(folder, variant, 1) for variant in CHOSEN)
    assert load_bundle(short).spec == replace(FULL.inputs, context_length=7)
    layers = [load_keras(each).get_layer("market").get_layer("output") for each in (full, short)]
    of_full, recoded = (layer.get_weights()[0] for layer in layers)
    assert (of_full != recoded).any()
    assert build_forecaster(SHORT, short).spec.context_length == 7 + 27
    assert build_forecaster(FULL, full).spec == FULL.inputs


def test_a_plan_takes_the_full_models_market_where_it_is_the_same(fold: Fold, tmp_path: Path) -> None:
    plans = {name: BUDGET.plan(variant, 2, fold, tmp_path) for name, variant in OF.items()}
    assert plans["position"].market == plans["14 days"].market == tmp_path / "full-2"
    assert plans["full"].market is plans["market"].market is plans["log"].market is None
    assert plans["log"].recode is not None
    assert plans["365-day songs"].least_observed == 365
    assert {plan.learn_after for plan in plans.values()} == {fold.train_through - np.timedelta64(40, "D")}
    assert {plan.train_through for plan in plans.values()} == {fold.train_through}


def test_metadata_are_judged_by_the_full_model_under_a_second_stage(fold: Fold, tmp_path: Path) -> None:
    metadata, second, artist = (OF[name] for name in ("metadata", "multi_input", "artist"))
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
