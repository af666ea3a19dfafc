"""Presence: cells that know no later day, figures a hand can check, and a head that is what is served."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from app.forecasting.market_covariates import HORIZON
from app.forecasting.presence import NAME
from app.model_store import start_row_model
from tests.panels import build_panel_of, with_streams
from tests.sample import SAMPLE
from training.cli import app
from training.folds import Fold
from training.panel import Panel
from training.row_models import publish_row_model
from training.systems.presence.calibration import fit_scale
from training.systems.presence.candidate import write_candidate
from training.systems.presence.cells import FAR, Cells, build_cells, join
from training.systems.presence.figures import area_under_curve, calibration_error, reliability, score
from training.systems.presence.network import Chosen, NetworkSettings
from training.systems.presence.protocol import (
    FoldResult,
    PresenceSettings,
    build_periods,
    run_fold,
    summarise,
)
from training.systems.presence.report import to_markdown
from training.systems.presence.rivals import RivalSettings, fit_logistic, fit_shares, fit_svm, position_key
from training.systems.presence.tasks import FAR50, RETURN, RETURN_ON, STAYING, TASKS, TOP50

pytestmark = pytest.mark.filterwarnings("ignore:Even though the.*run_functions_eagerly:UserWarning")

TRACKS, DAYS = 70, 220
TRAINED, VALIDATED = 75, 140  # two months lie in each
NETWORK = NetworkSettings(units=(8, 4), seeds=(1,), max_epochs=2, batch_size=4096)
SMALL = PresenceSettings(NETWORK, RivalSettings(rounds=5, patience=5, svm_cells=300))


@pytest.fixture(scope="module", autouse=True)
def _eager() -> Iterator[None]:
    """Networks this small are run in less time than TensorFlow takes to compile them."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Tracks around a threshold: a chart of 60, that some leave and come back to."""
    random = np.random.Generator(np.random.PCG64(5))
    walk = np.cumsum(random.normal(0, 0.05, (TRACKS, DAYS)), axis=1)
    levels = np.exp(10 + np.arange(TRACKS)[:, None] / 40 + walk + random.normal(0, 0.1, walk.shape))
    streams = np.where(np.argsort(np.argsort(-levels, axis=0), axis=0) < 60, levels, np.nan)
    streams[:, 60] = np.nan  # a day without a chart
    return build_panel_of(streams)


@pytest.fixture(scope="module")
def fold(panel: Panel) -> Fold:
    """Ten days of test, two months before the last day."""
    days = panel.days
    return Fold("small", days[TRAINED], days[VALIDATED], days[VALIDATED], days[VALIDATED + 9])


@pytest.fixture(scope="module")
def result(panel: Panel, fold: Fold) -> FoldResult:
    """Everything fitted once, but for what scikit-learn fits: seconds for a task, and a test of its own."""
    with pytest.MonkeyPatch.context() as patch:
        room = "training.systems.presence.protocol"
        patch.setattr(f"{room}.fit_logistic", lambda training: fit_shares(position_key, *training))
        patch.setattr(f"{room}.fit_svm", lambda training, *_: fit_shares(position_key, *training))
        return run_fold(fold, [panel], SMALL)


def _cells(panel: Panel, first: int, last: int, through: int) -> Cells:
    return build_cells(panel, panel.days[first], panel.days[last], panel.days[through])


def test_a_cell_is_a_track_that_was_on_the_chart_of_late_and_what_became_of_it(panel: Panel) -> None:
    day = 150
    cells = _cells(panel, day, day, DAYS - 1)
    seen = np.isfinite(panel.streams)
    wanted = [t for t in range(TRACKS) if seen[t, day - 28 : day + 1].any()]
    assert cells.tracks.tolist() == wanted
    assert cells.charting.sum() == 60
    for i, track in enumerate(wanted):
        last = day - int(cells.gap[i])
        assert seen[track, last]
        assert not seen[track, last + 1 : day + 1].any()
        assert cells.position[i] == panel.positions[track, last]
        np.testing.assert_array_equal(cells.chart[i], seen[track, day + 1 : day + 8])
        np.testing.assert_array_equal(cells.rank[i], panel.positions[track, day + 1 : day + 8])
        np.testing.assert_array_equal(cells.top50[i], panel.positions[track, day + 1 : day + 8] <= 50)
        assert cells.week[i] == seen[track, day + 1 : day + 8].any()
        np.testing.assert_array_equal(
            cells.far[i], [seen[track, day + FAR], panel.positions[track, day + FAR] <= 50]
        )


def test_outcomes_after_the_period_and_of_days_without_a_chart_are_not_known(panel: Panel) -> None:
    cells = _cells(panel, 55, 55, 58)
    assert np.isfinite(cells.chart[:, :3]).all()
    assert np.isnan(cells.chart[:, 3:]).all()
    assert np.isnan(cells.far).all()
    np.testing.assert_array_equal(np.isfinite(cells.week), np.nan_to_num(cells.chart).any(axis=1))
    across = _cells(panel, 55, 55, DAYS - 1)
    assert np.isnan(across.chart[:, 4]).all()  # the day without one
    assert np.isfinite(across.chart[:, [3, 5]]).all()
    assert len(_cells(panel, 60, 60, DAYS - 1)) == 0


def test_a_period_of_many_days_is_its_days_one_by_one(panel: Panel) -> None:
    whole = _cells(panel, 57, 63, 100)
    days = join([_cells(panel, day, day, 100) for day in range(57, 64)])
    np.testing.assert_array_equal(whole.rows, days.rows)
    np.testing.assert_array_equal(whole.rank, days.rank)


def test_what_comes_after_changes_nothing_that_is_learned_from_chosen_on_or_asked(
    panel: Panel, fold: Fold
) -> None:
    """What a fold learns from ends with its validation; what is asked of it ends with the cutoff's day."""
    streams = panel.streams.copy()
    random = np.random.Generator(np.random.PCG64(9))
    streams[:, VALIDATED + 1 :] = random.permuted(streams[:, VALIDATED + 1 :], axis=0)
    found = build_periods(fold, [panel])
    spoilt = build_periods(fold, [with_streams(panel, streams)])
    for period, same in zip(found[:2], spoilt[:2], strict=True):
        for name in ("tracks", "rows", "chart", "top50", "rank", "far"):
            np.testing.assert_array_equal(getattr(period, name), getattr(same, name))
    asked = len(_cells(panel, VALIDATED, VALIDATED, VALIDATED))  # the cells of the first cutoff come first
    np.testing.assert_array_equal(found[2].rows[:asked], spoilt[2].rows[:asked])
    assert not np.array_equal(found[2].chart[:asked], spoilt[2].chart[:asked])


def test_every_method_answers_every_cell_and_the_top_50_is_never_likelier_than_the_chart(
    result: FoldResult,
) -> None:
    assert set(result.scored) == {task.label for task in TASKS}
    for values in result.scored.values():
        assert {"", "presence", "logistic", "base rate", "state today", "position alone"} <= set(values)
        assert len({len(said) for said in values.values()}) == 1
        assert all(((said >= 0) & (said <= 1)).all() for said in values.values())
    assert {"lightgbm", "svm"} <= set(result.scored[RETURN.label]) & set(result.scored[FAR50.label])
    for staying, top50 in zip(STAYING, TOP50, strict=True):
        assert (result.scored[top50.label]["presence"] <= result.scored[staying.label]["presence"]).all()


def test_the_figures_are_kept_and_printed(result: FoldResult) -> None:
    figures = summarise([result, result])
    once = summarise([result])
    assert figures["tasks"]["staying_1"]["cells"] == 2 * once["tasks"]["staying_1"]["cells"]
    assert figures["tasks"]["staying_1"]["methods"]["presence"]["brier"] == pytest.approx(
        once["folds"]["small"]["tasks"]["staying_1"]["methods"]["presence"]["brier"]
    )
    assert once["folds"]["small"]["epochs"] == list(result.chosen.epochs)
    assert set(once["rank_mae"]) == {str(step) for step in range(1, HORIZON + 1)}
    printed = to_markdown(figures)
    assert "| presence | " in printed
    assert "In the top 50 in 60 days" in printed


def test_what_is_published_answers_as_the_networks_do(
    panel: Panel, result: FoldResult, tmp_path: Path
) -> None:
    settings = replace(NETWORK, seeds=(1, 2))
    figures = summarise([result])
    chosen = Chosen((1, 2), result.chosen.calibration)
    write_candidate([panel.until(panel.days[60])], settings, chosen, figures, tmp_path / "candidate")
    model = start_row_model(publish_row_model(tmp_path / "candidate", tmp_path / "models"))
    assert (model.bundle.name, model.bundle.version) == (NAME, 1)
    assert model.bundle.trained_through == str(panel.days[60])
    assert model.bundle.training["epochs"] == [1, 2]
    assert model.bundle.backtest["folds"]["small"]["epochs"] == list(result.chosen.epochs)
    brier = figures["tasks"]["staying_1"]["methods"]["presence"]["brier"]
    assert model.bundle.backtest["tasks"]["staying_1"]["methods"]["presence"]["brier"] == round(brier, 5)
    chances = model.run(_cells(panel, 150, 150, 150).rows)[:, : 2 * HORIZON + 1]
    assert ((chances > 0) & (chances < 1)).all()


def test_tasks_ask_of_their_own_cells_alone(panel: Panel) -> None:
    cells = _cells(panel, 100, 120, DAYS - 1)
    assert (STAYING[2].of(cells)[0].gap == 0).all()
    asked, outcomes = RETURN_ON[1].of(cells)
    assert (asked.gap > 0).all()
    np.testing.assert_array_equal(outcomes, asked.chart[:, 1])
    assert (FAR50.of(cells)[0].position <= 50).all()


def test_shares_are_those_of_the_training_cells_alike(panel: Panel) -> None:
    cells, outcomes = STAYING[0].of(_cells(panel, 70, 119, DAYS - 1))
    predict = fit_shares(position_key, cells, outcomes)
    last_places = position_key(cells) == 11
    share = outcomes[last_places].mean()
    assert predict(cells.where(last_places))[0] == pytest.approx(share, abs=0.01)
    assert predict(cells.where(~last_places)).mean() > share


def test_a_scale_and_a_shift_undo_what_chances_are_off_by() -> None:
    random = np.random.Generator(np.random.PCG64(3))
    log_odds = random.normal(0, 2, 40_000)
    outcomes = (random.random(40_000) < 1 / (1 + np.exp(-log_odds))).astype(np.float32)
    scale, shift = fit_scale(log_odds * 1.25 + 0.5, outcomes)
    assert scale == pytest.approx(0.8, abs=0.03)
    assert shift == pytest.approx(-0.4, abs=0.05)
    assert fit_scale(log_odds, np.ones(40_000, dtype=np.float32)) == (1, 0)


def test_figures_are_right_where_a_hand_can_tell() -> None:
    outcomes = np.array([1.0, 1.0, 0.0, 0.0])
    said = np.array([0.9, 0.5, 0.5, 0.1])
    assert area_under_curve(outcomes, said) == pytest.approx(3.5 / 4)
    assert np.isnan(area_under_curve(np.ones(3), np.ones(3)))
    figures = score(outcomes, said)
    assert figures["brier"] == pytest.approx((0.01 + 0.25 + 0.25 + 0.01) / 4)
    assert figures["log_loss"] == pytest.approx(-(2 * np.log(0.9) + 2 * np.log(0.5)) / 4)
    bins = reliability(outcomes, said)
    assert [(b["from"], b["cells"], b["came"]) for b in bins] == [(0.1, 1, 0), (0.5, 2, 0.5), (0.9, 1, 1)]
    assert calibration_error(bins) == pytest.approx((0.1 + 0 + 0.1) / 4)


def test_the_linear_and_the_support_vector_machine_tell_who_stays(panel: Panel) -> None:
    training = STAYING[0].of(_cells(panel, 70, 119, 120))
    validation = STAYING[0].of(_cells(panel, 121, 139, 140))
    cells, outcomes = STAYING[0].of(_cells(panel, 141, 160, DAYS - 1))
    assert SMALL.rivals is not None
    for predict in (fit_svm(training, validation, SMALL.rivals), fit_logistic(training)):
        assert area_under_curve(outcomes, predict(cells)) > 0.6


def test_a_fold_that_there_is_not_and_charts_without_its_days_are_refused(tmp_path: Path) -> None:
    charts = ["presence", "--data", str(SAMPLE / "charts" / "ph.csv.gz"), "--out", str(tmp_path / "out")]
    for more, said in (
        (["--fold", "9"], "is one of 1, 2, 3, 4"),
        (["--fold", "4"], "knows of no day 60 days ahead"),
    ):
        refused = CliRunner().invoke(app, [*charts, *more], env={"COLUMNS": "200"})
        assert refused.exit_code == 2, refused.output
        assert said in refused.output
    assert not (tmp_path / "out").exists()
