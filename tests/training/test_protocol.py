"""The whole protocol on a small invented chart: the same cells for all, and blind to what comes."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.panels import rank, with_streams
from tests.training.conftest import SETTINGS, TRAINED, VALIDATED
from training import contestants, fold_models
from training.backtest import BASELINES, build_cells
from training.contest import Contest
from training.contestants import add_statistical, fit_fold
from training.fold_models import months
from training.folds import FOLDS, Fold
from training.panel import Panel
from training.protocol import FIGURES, TABLES, OtherRunError, build_fold_cells, run_protocol
from training.rivals.lightgbm import BoostingSettings
from training.warm_start import Warm

MODELS = ["lstm", "gru", "multi_input", "multi_input-joint", "multi_input-refit"]
CONTEST = Contest(
    fit=replace(SETTINGS, max_epochs=1),
    boosting=BoostingSettings(
        grid=({"num_leaves": 4, "min_child_samples": 5, "learning_rate": 0.3},),
        rounds=8,
        patience=4,
        threads=1,
    ),
)


@pytest.fixture(scope="module")
def fold(panel: Panel) -> Fold:
    """Of the golden panel."""
    days = panel.days
    return Fold("small", days[TRAINED], days[VALIDATED], days[VALIDATED], days[VALIDATED + 9])


@pytest.fixture(scope="module")
def folder(panel: Panel, fold: Fold, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run that is done."""
    folder = tmp_path_factory.mktemp("protocol") / "run"
    run_protocol(CONTEST, [fold], [panel], folder)
    return folder


@pytest.fixture
def result(folder: Path) -> dict[str, Any]:
    """What the run found in the one region."""
    figures: dict[str, Any] = json.loads((folder / FIGURES).read_text())["regions"]["ph"]
    return figures


def test_all_methods_are_scored_on_the_same_cells(result: dict[str, Any], panel: Panel, fold: Fold) -> None:
    cells = build_cells(panel, fold.first, fold.last, [1])
    whole = result["next_day"]
    assert whole["cells"] == cells["actual"].notna().sum()
    assert whole["censored"] == cells["actual"].isna().sum() > 0
    assert list(whole["methods"]) == [*BASELINES, *MODELS, "lightgbm"]
    assert whole["intervals"]["lstm"]["lightgbm"]["ratio"] == pytest.approx(
        whole["methods"]["lstm"]["mae_to_lightgbm"]
    )
    assert list(result["by_horizon"]) == [str(h) for h in range(1, 8)]
    assert result["on_validation"]["small"]["cells"] > 0


def test_each_breakdown_holds_every_cell_once(result: dict[str, Any]) -> None:
    for groups in result["breakdown"].values():
        assert sum(group["cells"] for group in groups.values()) == result["next_day"]["cells"]


def test_the_sample_is_scored_for_all_methods_and_the_two_that_need_it(result: dict[str, Any]) -> None:
    sample = result["sample"]["by_horizon"]["1"]
    assert {"autoets", "autotheta", "lightgbm", *MODELS} <= set(sample["methods"])
    assert 0 < sample["cells"] + sample["censored"] == 3 * 10


def test_the_tables_name_every_method_and_every_group(folder: Path, result: dict[str, Any]) -> None:
    text = (folder / TABLES).read_text()
    for method in [*BASELINES, *MODELS, "lightgbm", "autoets", "autotheta"]:
        assert f"| {method} | " in text
    for kind, groups in result["breakdown"].items():
        assert f"by {kind}" in text
        assert all(f"| {group} | " in text for group in groups)
    assert "nan" not in text


def test_what_is_fitted_is_not_fitted_again(
    folder: Path, panel: Panel, fold: Fold, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (folder / FIGURES).read_text()
    for name in ("fit_boosters", "forecast_statistical"):
        monkeypatch.delattr(contestants, name)
    for name in ("fit_candidate", "average_candidates", "train_on"):
        monkeypatch.delattr(fold_models, name)
    run_protocol(CONTEST, [fold], [panel], folder)
    assert (folder / FIGURES).read_text() == before


def test_a_run_without_rivals_goes_on_in_the_same_folder(folder: Path, panel: Panel, fold: Fold) -> None:
    kept = {name: (folder / name).read_text() for name in (FIGURES, TABLES)}
    result = run_protocol(replace(CONTEST, rivals=False), [fold], [panel], folder)
    figures = result["regions"]["ph"]
    assert list(figures["next_day"]["methods"]) == [*BASELINES, *MODELS]
    assert figures["sample"] is None
    assert "LightGBM" not in (folder / TABLES).read_text()
    for name, text in kept.items():
        (folder / name).write_text(text)


def test_a_folder_of_other_data_or_settings_is_refused(folder: Path, panel: Panel, fold: Fold) -> None:
    other = with_streams(panel, panel.streams * 2)
    with pytest.raises(OtherRunError, match="with other data: name another"):
        run_protocol(CONTEST, [fold], [other], folder)
    longer = replace(CONTEST, fit=replace(CONTEST.fit, max_epochs=3))
    with pytest.raises(OtherRunError, match="with other fit: name another"):
        run_protocol(longer, [fold], [panel], folder)


def test_shuffling_what_comes_after_a_cutoff_changes_no_forecast_of_any_method(
    folder: Path, panel: Panel, fold: Fold, tmp_path: Path
) -> None:
    """Everything is fitted anew on charts that are other ones from the day after the first cutoff on."""
    shuffled = _shuffle_after(panel, VALIDATED)
    fit_fold(CONTEST, fold, [shuffled], tmp_path)
    before = Path(shutil.copytree(folder / "fold-small", tmp_path / "before"))
    expected = _forecasts(panel, fold, before, VALIDATED)
    found = _forecasts(shuffled, fold, tmp_path, VALIDATED)
    assert {"gru@0.9", "gru calibrated@0.9", "multi_input-refit@0.9"} <= set(expected)
    assert {"lightgbm", "naive@0.9", "autoets", "autotheta"} <= set(expected)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6)
    assert found["gru"].notna().all()


def test_what_comes_after_a_later_cutoff_changes_no_forecast_up_to_it(
    folder: Path, panel: Panel, fold: Fold, tmp_path: Path
) -> None:
    """The weights are those of the fold; the windows and series read on."""
    os.symlink(folder / "fold-small", tmp_path / "fold")
    shuffled = _shuffle_after(panel, VALIDATED + 5)
    expected, found = (
        _forecasts(p, fold, tmp_path / "fold", VALIDATED + 5, statistical=False) for p in (panel, shuffled)
    )
    pd.testing.assert_frame_equal(found, expected, rtol=1e-6)
    whole = build_fold_cells(CONTEST, fold, shuffled, tmp_path / "fold")
    after = whole[whole["cutoff"] > VALIDATED + 5]["gru"].to_numpy()
    assert len(after) != 0  # and the shuffle does change those after it
    assert not np.isin(after, build_fold_cells(CONTEST, fold, panel, tmp_path / "fold")["gru"]).any()


def test_of_several_seeds_there_is_an_ensemble_and_it_is_what_is_trained_on(
    candidates: Path, panel: Panel, fold: Fold, tmp_path: Path
) -> None:
    contest = replace(CONTEST, seeds=(1, 2), warm=Warm(epochs=3), rivals=False)
    fitted = {"lstm": "lstm", "lstm-2": "lstm_2", "gru": "gru", "multi_input-joint": "joint"}
    for label, candidate in (fitted | {"multi_input": "two_stage", "multi_input-2": "two_stage"}).items():
        os.symlink(candidates / candidate, tmp_path / label)
    fit_fold(contest, fold, [panel], tmp_path)
    cells = build_fold_cells(contest, fold, panel, tmp_path)
    members = cells[["lstm@0.9", "lstm-2@0.9"]]
    assert cells["lstm-ensemble@0.9"].between(members.min(axis=1), members.max(axis=1)).mean() > 0.95
    ensemble, refitted = (cells[f"multi_input-ensemble{which}"] for which in ("", "-refit"))
    assert np.allclose(ensemble, cells["multi_input"], rtol=1e-6)  # of one member twice
    assert not np.allclose(refitted, ensemble, rtol=1e-9)


def test_a_model_is_trained_on_at_the_first_cutoff_and_on_the_first_of_each_month() -> None:
    assert [str(day) for day in months(FOLDS[1])] == ["2020-03-01", "2020-04-01", "2020-05-01", "2020-06-01"]


def _shuffle_after(panel: Panel, cutoff: int) -> Panel:
    streams = panel.streams.copy()
    later = streams[:, cutoff + 1 :]
    random = np.random.Generator(np.random.PCG64(6))
    streams[:, cutoff + 1 :] = random.permutation(3 * later.ravel() + 1).reshape(later.shape)
    known = np.arange(streams.shape[1]) <= cutoff
    return replace(panel, streams=streams, positions=np.where(known, panel.positions, rank(streams)))


def _forecasts(
    panel: Panel, fold: Fold, folder: Path, cutoff: int, *, statistical: bool = True
) -> pd.DataFrame:
    """Every method's columns on the cells up to a cutoff."""
    cells = build_fold_cells(CONTEST, fold, panel, folder)
    cells = cells[cells["cutoff"] <= cutoff]
    if statistical:
        cells = cells.merge(add_statistical(cells, panel, folder), how="left")
    columns = [c for c in cells if c not in ("actual", *_facts(panel, fold))]
    ordered = cells.sort_values(["cutoff", "track", "horizon"])
    return ordered[columns].reset_index(drop=True)


def _facts(panel: Panel, fold: Fold) -> list[str]:
    """The columns that are no forecast."""
    facts = build_cells(panel, fold.first, fold.last, [1]).columns
    return [name for name in facts if name not in BASELINES]
