"""The commands of ``python -m training``, from charts to a version that is served."""

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.config import SHIPPED_BUNDLES
from app.forecasting.bundle import load_bundle
from app.forecasting.bundle_files import list_versions
from app.model_store import ModelStore
from tests.sample import SAMPLE
from training.bundles import publish
from training.cli import app
from training.runs import read_runs

CHARTS = ["--data", str(SAMPLE / "charts" / "ph.csv.gz"), "--tracks", str(SAMPLE / "tracks.csv")]
TRAINED = "2020-11-20"


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200", "TERM": "dumb"})


def _said(result: Result) -> str:
    """What was printed, without the frame that it may come in."""
    return re.sub(r"[\s│╭╮╰╯─]+", " ", result.output)


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An LSTM fitted for an epoch on the sample."""
    out = tmp_path_factory.mktemp("cli") / "lstm"
    fitted = _run(
        "fit", "--model", "lstm", "--train-through", TRAINED, "--epochs", "1", "--out", str(out), *CHARTS
    )
    assert fitted.exit_code == 0, fitted.output
    assert f"candidate: {out}" in fitted.output
    return out


def test_a_model_is_fitted_backtested_published_and_served(candidate: Path, tmp_path: Path) -> None:
    period = ["--from", "2020-12-20", "--to", "2020-12-22", "--horizon", "2"]
    scored = _run("backtest", "--bundle", str(candidate), *period, *CHARTS)
    assert scored.exit_code == 0, scored.output
    assert "ph, cutoffs 2020-12-20 to 2020-12-22" in scored.output
    assert "IN SAMPLE" not in scored.output
    assert "| lstm | " in scored.output
    published = _run("publish", "--bundle", str(candidate), "--to", str(tmp_path))
    assert published.exit_code == 0, published.output
    version = 1 + max(version for name, version, _ in list_versions(SHIPPED_BUNDLES) if name == "lstm")
    assert f"published: {tmp_path / 'lstm' / str(version)}" in published.output
    store = ModelStore([SHIPPED_BUNDLES, tmp_path])
    store.load()
    bundle = store.models["lstm"].bundle
    assert (bundle.version, bundle.trained_through) == (version, TRAINED)
    assert sorted(bundle.backtest["regions"]["ph"]) == ["1", "2"]
    assert bundle.backtest == json.loads((candidate.parent / "lstm.backtest.json").read_text())


def test_a_fit_and_a_backtest_are_on_record(candidate: Path) -> None:
    period = ["--from", "2020-12-20", "--to", "2020-12-21", "--horizon", "1"]
    _run("backtest", "--bundle", str(candidate), *period, *CHARTS)
    scored = next(run for run in read_runs() if run["command"] == "backtest")
    fitted = next(run for run in read_runs() if run["command"] == "fit" and run["status"] == "done")
    training = load_bundle(candidate).training
    assert fitted["data"] == training["data"]
    assert fitted["curves"]["training"] == training["training_loss"]
    assert fitted["config"]["train_through"] == TRAINED
    assert scored["models"] == fitted["models"] == ["lstm"]
    assert scored["figures"]["regions"]["ph"]["1"]["methods"]["lstm"]["mae"] > 0
    assert scored["outcome"].startswith("cutoffs 2020-")
    assert scored["outcome"].endswith(" of naive in ph")


def test_a_backtest_on_days_that_were_learned_from_is_refused(candidate: Path) -> None:
    period = ["--from", "2020-11-19", "--to", "2020-11-20", "--horizon", "1"]
    refused = _run("backtest", "--bundle", str(candidate), *period, *CHARTS)
    assert refused.exit_code == 2
    assert f"learned from days through {TRAINED}" in _said(refused)
    told = _run("backtest", "--bundle", str(candidate), *period, "--in-sample", *CHARTS)
    assert told.exit_code == 0
    assert "IN SAMPLE" in told.output


def test_in_sample_figures_are_not_published_nor_written_beside_a_bundle_that_is(
    candidate: Path, tmp_path: Path
) -> None:
    period = ["--from", "2020-11-19", "--to", "2020-11-20", "--horizon", "1", "--in-sample"]
    alone = Path(shutil.copytree(candidate, tmp_path / "lstm"))
    assert _run("backtest", "--bundle", str(alone), *period, *CHARTS).exit_code == 0
    refused = _run("publish", "--bundle", str(alone), "--to", str(tmp_path / "models"))
    assert refused.exit_code == 2
    assert "are in-sample, and auto would go by them" in _said(refused)
    assert not (tmp_path / "models").exists()
    figures = json.loads((tmp_path / "lstm.backtest.json").read_text()) | {"in_sample": False}
    published = publish(alone, tmp_path / "models", figures)
    assert _run("backtest", "--bundle", str(published), *period, *CHARTS).exit_code == 0
    assert [path.name for path in published.parent.iterdir()] == ["1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fold", "9"], "is one of 1, 2, 3, 4"),
        (["--fold", "4"], "2020-06-30 is not between"),  # the test is; what fold 4 trains on is not
        (["--bundle", "lstm"], "say the first and the last cutoff"),
    ],
)
def test_a_backtest_that_cannot_be_is_refused_with_the_reason(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    refused = _run("backtest", *arguments, "--out", str(tmp_path / "run"), *CHARTS)
    assert refused.exit_code == 2, refused.output
    assert said in _said(refused)


def test_a_candidate_without_a_backtest_is_not_published(candidate: Path, tmp_path: Path) -> None:
    alone = tmp_path / "lstm"
    alone.symlink_to(candidate)
    refused = _run("publish", "--bundle", str(alone), "--to", str(tmp_path / "models"))
    assert refused.exit_code == 2
    assert "has no backtest: run python -m training backtest" in _said(refused)
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "transformer", "--epochs", "1", *CHARTS], "is one of lstm, gru, multi_input"),
        (["--model", "lstm", "--epochs", "1"], "name either --data or --database-url"),
        (["--model", "lstm", *CHARTS], "name either a validation period"),
        (
            ["--model", "lstm", "--epochs", "1", "--data", str(SAMPLE / "tracks.csv")],
            "this is no daily chart file",
        ),
    ],
)
def test_a_fit_that_cannot_be_is_refused_with_the_reason(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    refused = _run("fit", "--train-through", TRAINED, "--out", str(tmp_path / "none"), *arguments)
    assert refused.exit_code == 2, refused.output
    assert said in _said(refused)
    assert not (tmp_path / "none").exists()


def test_a_fit_beyond_the_charts_is_refused(tmp_path: Path) -> None:
    arguments = ["--model", "lstm", "--epochs", "1", "--out", str(tmp_path / "none"), *CHARTS]
    refused = _run("fit", "--train-through", "2021-06-01", *arguments)
    assert refused.exit_code == 2
    assert "2021-06-01 is not between" in _said(refused)


def test_a_folder_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    refused = _run(
        "fit", "--model", "lstm", "--train-through", TRAINED, "--epochs", "1", "--out", str(tmp_path), *CHARTS
    )
    assert refused.exit_code == 2
    assert "is there already" in _said(refused)


def test_the_sample_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    written = _run("simulate", "--out", str(tmp_path), "--regions", "ph", "--days", "3")
    assert written.exit_code == 0
    assert (tmp_path / "charts" / "ph.csv.gz").is_file()
    assert (tmp_path / "tracks.csv").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--fold", "9"), "there is no fold 9"),
        (("--bundle", "var/lstm"), "there is no fold lstm"),
        (("--fold", "1"), "2019-11-01 is not between"),  # the sample begins later
    ],
)
def test_artists_are_scored_on_the_folds_there_are(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    result = _run("artists", *arguments, "--out", str(tmp_path / "run"), *CHARTS)
    assert result.exit_code != 0
    assert said in _said(result)
