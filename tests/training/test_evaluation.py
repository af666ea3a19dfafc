"""Bundles are scored side by side, on days that none of them learned from."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import TRAINED, VALIDATED, plan_of
from training.backtest import add_forecasts, build_cells
from training.bundles import publish, read_backtest, read_backtest_residuals, start_bundle
from training.evaluation import InSampleError, backtest_bundles
from training.panel import Panel
from training.recipes import fit_candidate
from training.recursion import move_forecasts
from training.report import summarise


@pytest.fixture
def copies(candidates: Path, tmp_path: Path) -> Path:
    """Candidates of the test's own, for figures to be written beside."""
    return Path(shutil.copytree(candidates, tmp_path / "candidates"))


def test_all_methods_are_scored_on_the_same_cells_and_the_figures_kept_beside_each_bundle(
    copies: Path, panel: Panel
) -> None:
    first, last = panel.days[VALIDATED], panel.days[VALIDATED + 8]
    folders = [copies / name for name in ("lstm", "gru", "joint")]
    result = backtest_bundles(folders, [panel], first=first, last=last, horizons=range(1, 4))
    cells = build_cells(panel, first, last, range(1, 4))
    for horizon in (1, 2, 3):
        of_horizon = cells[cells["horizon"] == horizon]
        summary = result["regions"]["ph"][str(horizon)]
        assert summary["cells"] == of_horizon["actual"].notna().sum()
        assert summary["censored"] == of_horizon["actual"].isna().sum() > 0
        assert list(summary["methods"])[3:] == ["lstm", "gru", "multi_input"]
        for folder, name in zip(folders, ("lstm", "gru", "multi_input"), strict=True):
            forecasters = {name: start_bundle(folder).forecaster}
            alone = add_forecasts(of_horizon, panel, forecasters)
            alone = move_forecasts(alone, panel, forecasters, first)
            expected = summarise(alone, [name])["methods"]
            found = summary["methods"][name]
            raw = {figure: value for figure, value in found.items() if not figure.startswith("calibrated_")}
            assert raw == pytest.approx(expected[name], rel=1e-4)
            assert 0 < found["calibrated_coverage_50"] < found["calibrated_coverage_95"] <= 100
            assert summary["methods"]["naive"] == expected["naive"]
    assert result["bundles"]["gru"]["validated_through"] == str(first)
    for folder, name in zip(folders, ("lstm", "gru", "multi_input"), strict=True):
        assert read_backtest(folder, name) == json.loads(json.dumps(result))


def test_a_backtest_leaves_the_residuals_that_publish_takes_along(
    copies: Path, panel: Panel, tmp_path: Path
) -> None:
    folder, days = copies / "lstm", {"first": panel.days[VALIDATED], "last": panel.days[VALIDATED + 8]}
    backtest = backtest_bundles([folder], [panel], **days, horizons=range(1, 8))
    spec = start_bundle(folder).bundle.spec
    residuals = read_backtest_residuals(folder, spec)
    assert residuals is not None
    figures = backtest["regions"]["ph"]["1"]["methods"]
    assert 0.2 < residuals.error_ratio / figures["lstm"]["mae_to_chart_weekday"] < 5
    assert len(residuals.errors) == VALIDATED + 8 - TRAINED + 1  # from the first day that it did not learn
    published = start_bundle(publish(folder, tmp_path / "models", backtest, residuals)).bundle
    assert published.residuals is not None
    np.testing.assert_array_equal(published.residuals.points, residuals.points)
    backtest_bundles([folder], [panel], **days, horizons=[1], in_sample=True)
    assert read_backtest_residuals(folder, spec) is None
    assert start_bundle(publish(folder, tmp_path / "models", backtest)).bundle.residuals is None


def test_cutoffs_that_a_bundle_learned_from_are_refused(copies: Path, panel: Panel) -> None:
    last = panel.days[VALIDATED + 2]

    def score(name: str, first: int, in_sample: bool = False) -> bool:
        result = backtest_bundles(
            [copies / name], [panel], first=panel.days[first], last=last, horizons=[1], in_sample=in_sample
        )
        return bool(result["in_sample"])

    with pytest.raises(InSampleError, match=rf"lstm learned from days through {panel.days[TRAINED]}"):
        score("lstm", TRAINED - 1)
    assert not score("lstm", TRAINED)  # the first target is the day after
    with pytest.raises(InSampleError, match=rf"gru learned from days through {panel.days[VALIDATED]}"):
        score("gru", VALIDATED - 1)  # its epochs were chosen on that day
    assert not score("gru", VALIDATED)
    assert score("gru", TRAINED - 1, in_sample=True)
    assert not (copies / "two_stage.backtest.json").exists()


def test_two_bundles_of_one_name_are_told_apart_and_their_joint_figures_not_published(
    copies: Path, panel: Panel
) -> None:
    days = {"first": panel.days[VALIDATED], "last": panel.days[VALIDATED + 1]}
    folders = [copies / "two_stage", copies / "joint"]
    result = backtest_bundles(folders, [panel], **days, horizons=[1])
    assert list(result["regions"]["ph"]["1"]["methods"])[3:] == ["two_stage", "joint"]
    with pytest.raises(ValueError, match="has no figures of multi_input in ph"):
        read_backtest(copies / "joint", "multi_input")
    other = Path(shutil.copytree(copies / "joint", copies / "others" / "joint"))
    result = backtest_bundles([copies / "joint", other], [panel], **days, horizons=[1])
    assert list(result["regions"]["ph"]["1"]["methods"])[3:] == [str(copies / "joint"), str(other)]


def test_the_figures_of_another_model_are_not_published(copies: Path, panel: Panel) -> None:
    days = {"first": panel.days[VALIDATED], "last": panel.days[VALIDATED + 1]}
    backtest_bundles([copies / "lstm"], [panel], **days, horizons=[1])
    assert read_backtest(copies / "lstm", "lstm")["cutoffs"] == [str(day) for day in days.values()]
    with pytest.raises(ValueError, match="has no figures of gru"):
        read_backtest(copies / "lstm", "gru")


def test_a_recurrent_part_that_learned_from_later_days_is_refused(
    candidates: Path, panel: Panel, tmp_path: Path
) -> None:
    plan = plan_of(panel, "multi_input", candidates / "lstm")
    earlier = replace(plan, train_through=panel.days[TRAINED - 5])
    with pytest.raises(ValueError, match=r"learned from days through .*, later than"):
        fit_candidate(earlier, [panel], tmp_path / "leaky")
