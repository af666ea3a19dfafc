"""The whole remake on a small invented chart."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.sample import SAMPLE
from tests.training.paper.charts import SMALL, build_small_chart
from training.cli import app
from training.paper.command import remake
from training.paper.experiments import build_study
from training.paper.ours import build_plans


def test_the_remake_writes_its_tables_its_figures_and_one_page(
    tmp_path: Path, candidates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = {"lstm": candidates / "lstm", "gru": candidates / "gru", "multi_input": candidates / "two_stage"}
    monkeypatch.setattr("training.paper.ours.fit_ours", lambda *_: fitted)  # fitting is test_models' matter
    remake(build_small_chart(), SMALL, tmp_path)
    results = json.loads((tmp_path / "results.json").read_text())
    ours = {row["method"]: row for row in results["ours"]}
    assert list(ours) == ["naive", "last_week", "chart_weekday", "lstm", "gru", "multi_input"]
    assert ours["naive"]["all"]["mae_to_naive"] == 1
    rows = [*results["results"], *results["metadata"], *results["lookback"], *results["ours"]]
    assert (
        len({(row["few"]["cells"], row["few"]["naive_mae"]) for row in rows}) == 1
    )  # the same cells for all
    assert {row["lookback"] for row in results["lookback"]} == {1, 3}
    page = (tmp_path / "index.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    for name in ("songs", "lookback", "loss", "predictions"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert "| multi_input | " in (tmp_path / "tables.md").read_text()


def test_a_training_part_shorter_than_the_windows_is_refused() -> None:
    with pytest.raises(ValueError, match="40 training dates are too few for 40 days' windows"):
        build_study(build_small_chart(), replace(SMALL, lookbacks=(40,)))


def test_a_chart_that_is_too_short_is_refused_with_the_reason(tmp_path: Path) -> None:
    charts = ["--data", str(SAMPLE / "charts" / "ph.csv.gz")]
    refused = CliRunner().invoke(
        app, ["paper", *charts, "--out", str(tmp_path / "out")], env={"COLUMNS": "200"}
    )
    assert refused.exit_code == 2
    assert "a matrix of 500 days wants more than the 90 days of the chart" in refused.output
    assert not (tmp_path / "out").exists()


def test_charts_of_two_regions_are_refused(tmp_path: Path) -> None:
    arguments = ["paper", "--data", str(SAMPLE / "charts"), "--out", str(tmp_path / "out")]
    refused = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert refused.exit_code == 2
    assert "the charts are of ph, us" in refused.output


def test_the_studys_few_songs_are_in_every_matrix() -> None:
    study = build_study(build_small_chart(), SMALL)
    assert len(study.few) == SMALL.n_few
    assert all(np.isin(study.few, matrix.tracks).all() for matrix in (study.main, *study.others))


def test_our_own_models_learn_from_no_test_date_and_multi_input_builds_on_the_same_lstm(
    tmp_path: Path,
) -> None:
    panel = build_small_chart()
    plans = build_plans(panel.days[-SMALL.test_days - 1], SMALL, tmp_path)
    assert [plan.name for plan in plans.values()] == ["lstm", "gru", "multi_input"]
    assert {plan.train_through for plan in plans.values()} == {panel.days[79]}
    assert all(plan.validate_through is None for plan in plans.values())
    assert plans[tmp_path / "multi_input"].recurrent == tmp_path / "lstm"
