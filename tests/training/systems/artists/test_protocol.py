"""The backtest of artists on a small invented chart: levels that add up, figures of all ways, no leak."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

from app.forecasting.forecaster import Forecaster
from tests.training.systems.artists.conftest import FIRST, shuffle_after
from training.folds import Fold
from training.panel import Panel
from training.systems.artists import protocol
from training.systems.artists.cells import BLOCK, Cells, build_fold_cells
from training.systems.artists.covariance import fit_errors
from training.systems.artists.protocol import (
    FIGURES,
    METHODS,
    TABLES,
    TREND,
    ArtistContest,
    InSampleError,
    run_artists,
)
from training.systems.artists.reconcile import WAYS, add_reconciled
from training.systems.artists.trend import TrendSettings

CONTEST = ArtistContest(trend=TrendSettings(units=4, max_epochs=1))


@pytest.fixture(scope="module")
def built(
    long_panel: Panel, small_fold: Fold, tracks: Forecaster, trend: keras.Model
) -> tuple[Cells, pd.DataFrame]:
    return build_fold_cells(long_panel, small_fold, tracks, trend)


def test_every_level_is_the_sum_of_the_tracks_that_stay(built: tuple[Cells, pd.DataFrame]) -> None:
    cells, whole = built
    for of, key in ((cells.artists, [*BLOCK, "artist"]), (cells.charts, BLOCK)):
        for column in ("actual", "naive", "last_week", "chart_weekday"):
            summed = cells.tracks.groupby(key)[column].sum().to_numpy()
            np.testing.assert_allclose(of[column], summed)
    assert cells.tracks["actual"].notna().all()
    assert (whole["stayed"] <= whole["whole"] + 1e-6).all()
    assert (whole["stayed"] < whole["whole"]).any()  # the debut
    assert (whole["whole"] == 0).any()  # an artist that has left
    assert not np.isin(whole["cutoff"] + whole["horizon"], [441, 442]).any()  # days without a chart


def test_all_ways_add_up_on_every_cell(built: tuple[Cells, pd.DataFrame], small_fold: Fold) -> None:
    cells = built[0]
    errors = fit_errors(cells.where_date(small_fold.train_through, small_fold.train_through + 40))
    test = add_reconciled(cells.where_date(small_fold.first, small_fold.first + 8), errors)
    for way in WAYS:
        for of, key in ((test.artists, [*BLOCK, "artist"]), (test.charts, BLOCK)):
            np.testing.assert_allclose(of[way], test.tracks.groupby(key)[way].sum())
    np.testing.assert_allclose(test.tracks["bottom_up"], test.tracks["base"])
    np.testing.assert_allclose(test.charts["top_down"], test.charts["base"])
    assert not np.allclose(test.artists["wls"], test.artists["bottom_up"], rtol=1e-4)
    assert not np.allclose(test.artists["wls"], test.artists["mint 0.5"], rtol=1e-4)


def test_what_comes_after_a_cutoff_changes_no_forecast_up_to_it(
    built: tuple[Cells, pd.DataFrame],
    long_panel: Panel,
    small_fold: Fold,
    tracks: Forecaster,
    trend: keras.Model,
) -> None:
    """Of all levels; what stays is another thing then, so cells are matched and sums told by their growth."""
    found, whole = build_fold_cells(shuffle_after(long_panel, FIRST + 4), small_fold, tracks, trend)
    for level, of in built[0].levels.items():
        keys = [*BLOCK, *(["track"] if level == "tracks" else ["artist"] if level == "artists" else [])]
        columns = [name for name in map(str, of.columns) if "@" in name] if level == "tracks" else []
        said = [
            cells.assign(growth=cells["base"] / cells["naive"])[[*keys, "growth", *columns]]
            for cells in (of, found.levels[level])
        ]
        both = said[0].merge(said[1], on=keys, suffixes=(" before", " after"))
        both = both[both["cutoff"] <= FIRST + 4]
        assert (both["cutoff"] == FIRST + 4).any()
        for name in ("growth", *columns):
            np.testing.assert_allclose(both[f"{name} after"], both[f"{name} before"], rtol=1e-6)
    merged = whole.merge(built[1], on=[*BLOCK, "artist"], suffixes=(" after", " before"))
    merged = merged[merged["cutoff"] <= FIRST + 4]
    np.testing.assert_allclose(merged["forecast after"], merged["forecast before"], rtol=1e-6)


@pytest.fixture(scope="module")
def folder(
    long_panel: Panel,
    small_fold: Fold,
    bundle: Path,
    trend: keras.Model,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Of a run that is done. What was fitted is there, and is not fitted again."""
    folder = tmp_path_factory.mktemp("artists") / "run"
    (folder / "fold-1").mkdir(parents=True)
    trend.save(folder / "fold-1" / TREND)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("fit_trend", "fit_candidate"):
            patch.delattr(protocol, name)
        run_artists(CONTEST, [small_fold], long_panel, folder, {"1": bundle})
    return folder


def test_a_run_gives_figures_of_every_way_at_every_level(folder: Path) -> None:
    figures: dict[str, Any] = json.loads((folder / FIGURES).read_text())
    text = (folder / TABLES).read_text()
    for period in ("test", "chosen_on"):
        for fold in ("1", "all"):
            assert list(figures[period][fold]) == ["tracks", "artists", "charts"]
            for by_horizon in figures[period][fold].values():
                assert list(by_horizon) == ["1", "3", "7", "all"]
                assert all(by_horizon["1"][method]["mae"] > 0 for method in METHODS)
    test = figures["test"]["all"]
    assert test["tracks"]["1"]["bottom_up"] == test["tracks"]["1"]["base"]
    assert test["charts"]["7"]["naive"]["to_naive"] == 1
    sizes = figures["coverage"]["all"]
    assert sizes["all"]["cells"] == sum(sizes[size]["cells"] for size in sizes if size != "all")
    one = sizes["one track"]
    assert one["estimated"] == one["independent"] == one["summed bounds"]
    several = sizes["2 or 3"]
    assert several["independent"]["80"]["width"] < several["summed bounds"]["80"]["width"]
    assert all(f"| {method} |" in text for method in METHODS)
    assert "nan" not in text


def test_a_bundle_that_learned_from_later_days_is_refused(
    long_panel: Panel, small_fold: Fold, bundle: Path, tmp_path: Path
) -> None:
    earlier = replace(small_fold, train_through=small_fold.train_through - 1)
    with pytest.raises(InSampleError, match="name a bundle of the fold"):
        run_artists(CONTEST, [earlier], long_panel, tmp_path, {"1": bundle})
