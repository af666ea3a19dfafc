"""The study of new tracks: what is learned when, what is said of it; what is served is what was fitted."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from app.forecasting.popularity import CLASSES, INPUTS, OUTPUTS, WINDOW
from app.runtime import build_row_run
from tests.sample import SAMPLE
from training.cli import app
from training.folds import Fold
from training.systems.popularity.contestants import HitMusicNet, Logistic, Prior, hide_some
from training.systems.popularity.networks import N_FEATURES, N_VALUES, join_members
from training.systems.popularity.outcomes import Scale
from training.systems.popularity.publishing import fit_bundle
from training.systems.popularity.report import to_markdown
from training.systems.popularity.rows import Rows
from training.systems.popularity.scoring import compare, join_answers, score_answers
from training.systems.popularity.study import Study, build_lesson, summarise

FIRST = np.datetime64("2019-01-01")
DAYS = 700
FOLD = Fold("a", *(np.datetime64(day) for day in ("2020-02-29", "2020-06-30", "2020-07-01", "2020-10-31")))


def _invent_rows(n_tracks: int = 500, seed: int = 3) -> Rows:
    """Tracks that do well where an input of theirs says so; those of the last 60 days are not over."""
    random = np.random.Generator(np.random.PCG64(seed))
    inputs = random.normal(size=(n_tracks, len(INPUTS))).astype(np.float32)
    inputs[:, N_VALUES:N_FEATURES] = 1
    entries = FIRST + np.sort(random.integers(0, DAYS, n_tracks))
    luck = inputs[:, INPUTS.index("artist_mean_peak")] + 0.3 * random.normal(size=n_tracks)
    over = entries + (WINDOW - 1) < FIRST + DAYS
    good = np.argsort(np.argsort(luck)) / n_tracks
    outcomes = (luck, np.ceil(200 * (1 - good)), np.ceil(WINDOW * good + 1e-9))
    return Rows(inputs, entries, *(np.where(over, values, np.nan) for values in outcomes))


@pytest.fixture(scope="module")
def rows() -> Rows:
    return _invent_rows()


@pytest.fixture(scope="module")
def net() -> HitMusicNet:
    return HitMusicNet(encoder_epochs=2)


def test_a_track_is_learned_from_when_its_sixtieth_day_is_over(rows: Rows) -> None:
    entry = rows.entries[100]
    last = entry + (WINDOW - 1)
    assert entry in rows.complete(last).entries
    assert entry not in rows.complete(last - 1).entries


def test_what_is_learned_from_is_over_before_what_is_asked_enters(rows: Rows) -> None:
    study = Study(rows, [Prior()], [1])
    learned = rows.complete(FOLD.validate_through)
    asked = study.asked_in(FOLD)
    assert len(learned)
    assert len(asked)
    assert (learned.entries + (WINDOW - 1)).max() < asked.entries.min()
    assert np.isfinite(asked.days).all()


def test_outcomes_that_come_later_change_nothing_that_is_learned(rows: Rows) -> None:
    late = rows.entries + (WINDOW - 1) > FOLD.validate_through
    others = replace(
        rows, **{n: np.where(late, 7.0, getattr(rows, n)) for n in ("peaks", "positions", "days")}
    )
    for of in (rows, others):
        lesson, scale = build_lesson(of, FOLD.validate_through)
        np.testing.assert_array_equal(lesson.targets, build_lesson(rows, FOLD.validate_through)[0].targets)
        np.testing.assert_array_equal(scale.cuts, build_lesson(rows, FOLD.validate_through)[1].cuts)


def test_a_score_is_the_mean_of_two_places_among_the_tracks_learned_from(rows: Rows) -> None:
    three = rows.where(np.arange(len(rows)) < 3)
    scale = Scale(replace(three, peaks=np.array([1.0, 2, 3]), days=np.array([60.0, 5, 60])))
    asked = replace(three, peaks=np.array([0.0, 2, 9]), days=np.array([1.0, 60, 60]))
    np.testing.assert_allclose(scale.scores(asked), [0, (0.5 + 2 / 3) / 2, (1 + 2 / 3) / 2])


def test_classes_are_thirds_of_the_tracks_learned_from(rows: Rows) -> None:
    lesson, scale = build_lesson(rows, FOLD.validate_through)
    np.testing.assert_allclose(lesson.targets[:, :3].mean(axis=0), 1 / 3, atol=0.01)
    low, medium, high = scale.describe()
    assert low["median_peak_position"] > medium["median_peak_position"] > high["median_peak_position"]
    assert low["to_score"] == medium["from_score"]
    assert (low["from_score"], high["to_score"]) == (0, 1)


def test_copies_hide_a_feature_with_its_mask_and_an_artist_whole(rows: Rows) -> None:
    lesson, _ = build_lesson(rows, FOLD.validate_through)
    inputs, targets = hide_some(lesson, seed=1)
    n_tracks = len(lesson.inputs)
    np.testing.assert_array_equal(inputs[:n_tracks], lesson.inputs)
    np.testing.assert_array_equal(targets[n_tracks:], lesson.targets)
    copies = inputs[n_tracks:]
    hidden = copies[:, N_VALUES:N_FEATURES] == 0
    assert 0.15 < hidden.mean() < 0.35
    assert not copies[:, :N_VALUES][hidden].any()
    artist = [i for i, name in enumerate(INPUTS) if name.startswith("artist")]
    gone = (copies[:, artist] == 0).all(axis=1)
    assert 0.05 < gone.mean() < 0.25
    assert (copies[~gone][:, artist] == lesson.inputs[~gone][:, artist]).all()


def test_a_study_finds_what_is_there_to_be_found(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.systems.popularity.contestants.TOP_SIZES", {"small": (0.25,)})
    monkeypatch.setattr("training.systems.popularity.study.TUNING_SEEDS", 1)
    monkeypatch.setattr("training.systems.popularity.study.BLOCKS", 1)
    monkeypatch.setattr("training.systems.popularity.study.GROUPS", {"all": INPUTS})
    net = HitMusicNet(encoder_epochs=1, epochs=(150,))
    logistic = Logistic(epochs=150, choices=(({"l2": 0.001},),))
    study = Study(rows, [Prior(), logistic, net], [1])
    result = summarise([study.test(FOLD)], net.name, "prior")
    methods = result["methods"]
    assert result["tracks"] == len(study.asked_in(FOLD))
    assert abs(methods["prior"]["r2"]) < 0.05
    for name in ("logistic", "hitmusicnet"):
        assert methods[name]["log_loss"] < methods["prior"]["log_loss"] - 0.02
        assert methods[name]["r2"] > 0.1
    assert result["gains"]["hitmusicnet over prior"]["gain"] > 0
    assert "| hitmusicnet | " in to_markdown(result)


def test_a_method_is_scored_on_some_of_the_inputs_alone_as_well(rows: Rows) -> None:
    study = Study(rows, [Prior()], [1])
    assert list(study.test(FOLD).answers) == [
        "prior: features",
        "prior: artist",
        "prior: features, artist",
        "prior",
    ]


def test_the_served_graph_of_several_seeds_says_what_they_say_together(rows: Rows, net: HitMusicNet) -> None:
    lesson, scale = build_lesson(rows, FOLD.validate_through)
    choice = {"sizes": "small", "epochs": 4}
    bundle = fit_bundle(
        net,
        lesson,
        scale,
        choice=choice,
        seeds=[1, 2],
        through=FOLD.validate_through,
        backtest={},
        data="invented",
    )
    asked = rows.inputs[-50:]
    said = build_row_run(bundle.graph)(asked)
    by_seed = [next(iter(net.answer(lesson, asked, [choice], seed))) for seed in (1, 2)]
    np.testing.assert_allclose(said, join_answers(by_seed), atol=2e-4)
    np.testing.assert_allclose(said[:, :3].sum(axis=1), 1, atol=1e-5)
    assert (bundle.inputs, bundle.outputs) == (INPUTS, OUTPUTS)
    assert [meaning["class"] for meaning in bundle.training["classes"]] == list(CLASSES)


def test_a_seed_means_the_same_networks_whatever_was_fitted_before(rows: Rows, net: HitMusicNet) -> None:
    lesson, _ = build_lesson(rows, FOLD.validate_through)
    choice = [{"sizes": "small", "epochs": 2}]
    members = [next(net.fit(lesson, choice, seed)) for seed in (1, 5, 1)]
    one, other, again = (np.array(join_members([member])(rows.inputs[:9])) for member in members)
    np.testing.assert_allclose(one, again, atol=1e-6)
    assert np.abs(one - other).max() > 1e-3


def test_figures_are_what_their_names_say() -> None:
    targets = np.array([[1, 0, 0, 0.1, 0.5, 1], [0, 1, 0, 0.5, 0.5, 0], [0, 0, 1, 0.9, 0.5, 0]])
    answers = np.array(
        [[0.8, 0.1, 0.1, 0.1, 0.4, 1], [0.6, 0.3, 0.1, 0.2, 0.5, 0], [0.1, 0.1, 0.8, 0.9, 0.5, 0]]
    )
    figures = score_answers(answers, targets)
    assert figures["accuracy"] == pytest.approx(2 / 3)
    assert figures["confusion"] == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert figures["macro_f1"] == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert figures["log_loss"] == pytest.approx(-np.log([0.8, 0.3, 0.8]).mean())
    assert figures["r2"] == pytest.approx(1 - 0.09 / 0.32)
    assert figures["spearman"] == pytest.approx(1)
    assert figures["peak_mae"] == pytest.approx(200 * 0.1 / 3)


def test_a_gain_beyond_chance_has_an_interval_above_zero() -> None:
    random = np.random.Generator(np.random.PCG64(2))
    targets = np.eye(3)[random.integers(0, 3, 300)]
    targets = np.concatenate([targets, np.zeros((300, 3))], axis=1)
    unsure, right = (
        np.full((300, 6), 1 / 3),
        np.concatenate([0.1 + 0.7 * targets[:, :3], targets[:, 3:]], axis=1),
    )
    entries = FIRST + np.arange(300) // 3
    assert compare(right, unsure, targets, entries)["low_95"] > 0
    nothing = compare(unsure, unsure, targets, entries)
    assert nothing["low_95"] <= 0 <= nothing["high_95"]


def test_charts_that_are_too_short_for_the_folds_are_refused() -> None:
    charts = ["--data", str(SAMPLE / "charts" / "ph.csv.gz"), "--region", "ph"]
    refused = CliRunner().invoke(app, ["popularity", *charts], env={"COLUMNS": "200"})
    assert refused.exit_code == 2
    assert "whose 60 days are over" in refused.output
