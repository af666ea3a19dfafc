"""The forecast over HTTP is the backtest's for the same cutoff."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from tests.sample import REGIONS
from tests.serving import predict_batch

FIRST, LAST = dt.date(2020, 12, 23), dt.date(2020, 12, 24)  # into the days before Christmas
HORIZONS = range(1, 8)
MODELS = ("lstm", "gru", "multi_input")
LEVELS = {50: (0.25, 0.75), 80: (0.1, 0.9), 95: (0.025, 0.975)}
CENT = 0.0051  # answers are rounded to two decimals
NEAR = 1e-7  # of which window stands beside which in a batch, single floats know


@pytest.fixture(scope="module")
def cells(shared_sample_url: str, published_bundles: Path) -> pd.DataFrame:
    """Every forecast of the backtest, from panels read from the store."""
    from training.backtest import add_forecasts, build_cells
    from training.bundles import start_bundle
    from training.data import read_store
    from training.recursion import move_forecasts, shift_column

    parts, first = [], np.datetime64(FIRST)
    for panel in read_store(shared_sample_url):
        found = build_cells(panel, first, np.datetime64(LAST), HORIZONS)
        folders = {name: published_bundles / name / "1" for name in MODELS}
        forecasters = {name: start_bundle(folder).forecaster for name, folder in folders.items()}
        found = move_forecasts(add_forecasts(found, panel, forecasters), panel, forecasters, first)
        for name in MODELS:  # the bundles learned from these days: nothing calibrates them
            moved = [f"{name}@{level}" for bounds in LEVELS.values() for level in bounds]
            found[moved] = found[moved].mul(np.exp(found[shift_column(name)]), axis=0)
        track_ids = np.array(panel.track_ids)[found["track"]]
        parts.append(found.assign(region=panel.region, track_id=track_ids))
    return pd.concat(parts, ignore_index=True)


def _serve_cells(client: TestClient, cells: pd.DataFrame, model: str) -> pd.DataFrame:
    """What the service says of the same tracks, cutoffs and days."""
    rows = []
    for as_of in sorted(set(cells["date"].dt.date)):
        pairs = cells[cells["date"].dt.date == as_of][["region", "track_id"]].drop_duplicates()
        items = [{"region": region, "track_id": track_id} for region, track_id in pairs.to_numpy()]
        assert len(items) == 200 * len(REGIONS)
        asked: dict[str, Any] = {"as_of": str(as_of), "horizon": 7, "levels": list(LEVELS), "model": model}
        for result in predict_batch(client, items, **asked):
            assert result["model"]["name"] == model
            rows += [_flatten(result, day) for day in result["forecasts"]]
    keys = ["region", "track_id", "date", "horizon"]
    served = cells[keys].merge(pd.DataFrame(rows).astype({"date": cells["date"].dtype}), on=keys, how="left")
    assert len(served) == len(cells)
    return served


def _flatten(result: dict[str, Any], day: dict[str, Any]) -> dict[str, Any]:
    bounds = {
        f"{side}_{interval['level']}": interval[side]
        for interval in day["intervals"]
        for side in ("lower", "upper")
    }
    key = {"region": result["region"], "track_id": result["track_id"]}
    key |= {"date": pd.Timestamp(result["as_of"]), "horizon": day["horizon"]}
    return {**key, "streams": day["streams"], "baseline": day["baseline_streams"], **bounds}


@pytest.mark.parametrize("model", MODELS)
def test_every_model_forecasts_over_http_what_its_backtest_does(
    forecasts: TestClient, cells: pd.DataFrame, model: str
) -> None:
    served = _serve_cells(forecasts, cells, model)
    np.testing.assert_allclose(served["streams"], cells[model], rtol=NEAR, atol=CENT)
    for level, (low, high) in LEVELS.items():
        np.testing.assert_allclose(served[f"lower_{level}"], cells[f"{model}@{low}"], rtol=NEAR, atol=CENT)
        np.testing.assert_allclose(served[f"upper_{level}"], cells[f"{model}@{high}"], rtol=NEAR, atol=CENT)
    np.testing.assert_allclose(served["baseline"], cells["chart_weekday"], rtol=NEAR, atol=CENT)


def test_the_baseline_over_http_is_the_backtests_chart_weekday(
    forecasts: TestClient, cells: pd.DataFrame
) -> None:
    served = _serve_cells(forecasts, cells, "baseline")
    np.testing.assert_allclose(served["streams"], cells["chart_weekday"], rtol=NEAR, atol=CENT)
    assert (served["streams"] == served["baseline"]).all()
