"""Calibrated intervals over HTTP are the backtest's for the same cutoff; so is what the gate goes by."""

import datetime as dt
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from app.forecasting.residuals import Residuals
from tests.sample import REGIONS, Sample
from tests.serving import predict_batch, serve
from tests.small_bundles import publish_small

LAST = dt.date(2020, 12, 30)
LEVELS = {50: (0.25, 0.75), 80: (0.1, 0.9), 95: (0.025, 0.975)}
CENT = 0.0051  # and records are kept as single floats


@pytest.mark.parametrize("carried", [False, True], ids=["without residuals", "with residuals"])
@pytest.mark.parametrize("cutoff", [dt.date(2020, 12, 24), dt.date(2020, 10, 20)])
def test_the_intervals_over_http_are_the_backtests(
    sqlite_sample: Path, tmp_path: Path, sample: Sample, cutoff: dt.date, carried: bool
) -> None:
    from app.model_store import start_model
    from training.backtest import add_forecasts, build_cells
    from training.calibration import WARM_UP, calibrate_cells
    from training.data import read_store
    from training.recursion import move_forecasts

    url = f"sqlite:///{shutil.copy(sqlite_sample, tmp_path / 'sample.db')}"
    residuals = _residuals() if carried else None
    folder = publish_small(tmp_path / "models", answer=-1.0, spread=1.0, residuals=residuals)
    model = start_model(folder)
    [panel] = [panel for panel in read_store(url) if panel.region == "ph"]
    first = max(panel.days[0], np.datetime64(cutoff) - WARM_UP)
    cells = build_cells(panel, first, np.datetime64(cutoff), range(1, 8))
    forecasters = {"lstm": model.forecaster}
    raw = add_forecasts(cells, panel, forecasters)
    raw = move_forecasts(raw, panel, forecasters, np.datetime64(cutoff))
    calibrated = calibrate_cells(raw, "lstm", model.bundle.spec, residuals)
    of_cutoff = calibrated[calibrated["date"] == np.datetime64(cutoff)]
    track_ids = sorted(sample.chart("ph", cutoff))
    asked = {"as_of": str(cutoff), "horizon": 7, "levels": list(LEVELS), "model": "lstm"}
    with serve(url, tmp_path / "models") as client:
        results = predict_batch(client, [{"track_id": t, "region": "ph"} for t in track_ids], **asked)
    for result in results[::10]:
        of = of_cutoff[of_cutoff["track"] == panel.track_ids.index(result["track_id"])].sort_values("horizon")
        for day, (_, cell) in zip(result["forecasts"], of.iterrows(), strict=True):
            for interval, (low, high) in zip(day["intervals"], LEVELS.values(), strict=True):
                assert interval["lower"] == pytest.approx(cell[f"lstm@{low}"], rel=1e-4, abs=CENT)
                assert interval["upper"] == pytest.approx(cell[f"lstm@{high}"], rel=1e-4, abs=CENT)
    moved = np.abs(np.log(calibrated["lstm@0.9"] / raw["lstm@0.9"]))[of_cutoff.index]
    assert np.median(moved) > 1e-3  # by ten times the tolerance: raw quantiles would not do


def _residuals() -> Residuals:
    random = np.random.Generator(np.random.PCG64(1))
    points = np.sort(random.lognormal(0, 0.5, (4, 7, 128, 6)).astype(np.float16).astype(float), axis=2)
    return Residuals(points, np.full((4, 7), 50.0), np.array([[0.9, 1.0]] * 60))


def test_a_backtest_covers_what_it_says_once_it_is_calibrated(sqlite_sample: Path, tmp_path: Path) -> None:
    from app.model_store import start_model
    from training.backtest import add_forecasts, build_cells
    from training.calibration import calibrate_cells
    from training.data import read_store

    model = start_model(publish_small(tmp_path / "models", answer=-1.0, spread=0.1))
    inside: dict[str, list[pd.Series]] = {"raw": [], "calibrated": []}
    panels = read_store(f"sqlite:///{sqlite_sample}")
    assert len(panels) == len(REGIONS)
    for panel in panels:
        cells = build_cells(panel, panel.days[0], np.datetime64(LAST), [1])
        raw = add_forecasts(cells, panel, {"lstm": model.forecaster})
        calibrated = calibrate_cells(raw, "lstm", model.bundle.spec)
        # with 50 days behind it, and before the year's great shock, which no past of it foresees
        late = raw["date"].between(pd.Timestamp("2020-11-22"), pd.Timestamp("2020-12-14"))
        late &= raw["actual"].notna()
        for name, of in (("raw", raw[late]), ("calibrated", calibrated[late])):
            inside[name].append(of["actual"].between(of["lstm@0.1"], of["lstm@0.9"]))
    assert pd.concat(inside["raw"]).mean() < 0.5
    assert pd.concat(inside["calibrated"]).mean() == pytest.approx(0.8, abs=0.06)
