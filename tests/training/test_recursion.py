"""Days 2 to 7 of a backtest are moved as the service moves them, and so are the shares they are chosen by."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.forecasting.recursion import SHARE
from tests.forecasting.stand_in import CUTOFF, FORECASTER
from tests.panels import build_long_panel
from tests.training.conftest import TRAINED, VALIDATED
from training.backtest import add_forecasts, build_cells
from training.folds import Fold
from training.panel import Panel
from training.recursion import move_forecasts, recursive_column, shift_column
from training.shares import ALL, NEW, SHARES, score_shares, summarise_shares


@pytest.fixture(scope="module")
def moved() -> pd.DataFrame:
    """Of five cutoffs, the last two of which are moved."""
    panel, forecasters = build_long_panel(), {"m": FORECASTER}
    cells = build_cells(panel, panel.days[CUTOFF - 4], panel.days[CUTOFF], range(1, 8))
    cells = add_forecasts(cells, panel, forecasters)
    return move_forecasts(cells, panel, forecasters, panel.days[CUTOFF - 1])


def test_a_forecast_is_moved_its_share_of_the_way_and_its_quantiles_are_left(moved: pd.DataFrame) -> None:
    later = moved[(moved["cutoff"] >= CUTOFF - 1) & (moved["horizon"] > 1)]
    expected = later["m@0.5"] ** (1 - SHARE) * later[recursive_column("m")] ** SHARE
    np.testing.assert_allclose(later["m"], expected)
    assert (later["m"] / later["m@0.5"] - 1).abs().median() > 0.001


def test_the_first_day_and_cutoffs_that_do_not_count_stay_where_they_are(moved: pd.DataFrame) -> None:
    rest = moved[(moved["cutoff"] < CUTOFF - 1) | (moved["horizon"] == 1)]
    assert (rest[shift_column("m")] == 0).all()
    assert rest["m"].equals(rest["m@0.5"])
    assert rest[recursive_column("m")].equals(rest["m@0.5"].rename(recursive_column("m")))


def test_each_share_lies_that_part_of_the_way(panel: Panel, candidates: Path) -> None:
    days = panel.days
    fold = Fold("small", days[TRAINED], days[VALIDATED], days[VALIDATED], days[VALIDATED + 9])
    scored = score_shares(panel, fold, {ALL: candidates / "lstm", NEW: candidates / "two_stage"})
    assert set(scored["model"]) == {ALL, NEW}
    way = np.log((scored["recursive"] / scored["direct"]).to_numpy())
    assert np.abs(way).max() > 1e-4
    for label, share in SHARES.items():
        np.testing.assert_allclose(np.log(scored[label] / scored["direct"]), share * way, atol=1e-9)
    last = days[VALIDATED]
    assert (scored["date"] + pd.to_timedelta(scored["horizon"], unit="D")).max() <= pd.Timestamp(last)
    of_all = scored[scored["model"] == ALL]
    shares = summarise_shares(scored)["by_fold"]["small"]
    for day, cells in of_all.groupby("horizon"):
        errors = {name: (cells[name] - cells["actual"]).abs().mean() for name in ("recursive", "naive")}
        assert shares["recursive"][str(day)] == pytest.approx(errors["recursive"] / errors["naive"])
