"""Whatever befalls a chart, the models that ship answer with finite, sane forecasts."""

from functools import cache

import numpy as np
import pytest

from app.config import SHIPPED_BUNDLES
from app.forecasting.history import Floats
from app.model_store import ModelStore, RunningModel
from tests.panels import build_panel_of_rows
from tests.sample import Sample
from tests.troubles import TROUBLES, good_rows, hundredth, smallest_of, spike_of_track
from training.baselines import chart_weekday_step
from training.panel import Panel

MODELS = ("lstm", "gru", "multi_input")


@cache
def _load(name: str) -> RunningModel:
    store = ModelStore([SHIPPED_BUNDLES])
    return store.load().models[name]


def _forecast(panel: Panel, name: str) -> dict[str, Floats]:
    """Quantiles (horizon, levels) of every track on the last chart."""
    last = len(panel.days) - 1
    tracks = np.flatnonzero(np.isfinite(panel.streams[:, last]))
    forecaster = _load(name).forecaster
    history = panel.history(tracks, np.full(len(tracks), last), forecaster.grid_length)
    quantiles = forecaster.forecast(history, panel.covariates).quantiles
    return {panel.track_ids[track]: quantiles[i] for i, track in enumerate(tracks)}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("trouble", TROUBLES)
def test_forecasts_stay_finite_and_sane(sample: Sample, trouble: str, name: str) -> None:
    panel = build_panel_of_rows(TROUBLES[trouble](good_rows(sample)))
    last = len(panel.days) - 1
    steps = np.array([chart_weekday_step(panel, last, horizon) for horizon in range(1, 8)])
    for track_id, quantiles in _forecast(panel, name).items():
        row = panel.track_ids.index(track_id)
        streams = panel.streams[row, last]
        before = panel.streams[row, max(last - 7, 0) : last]
        usual = np.median(before[np.isfinite(before)]) if np.isfinite(before).any() else streams
        median = quantiles[:, 3]
        assert np.isfinite(quantiles).all()
        assert (quantiles >= 0).all()
        assert (np.diff(quantiles, axis=1) >= 0).all()
        if streams == 0:
            assert (quantiles <= 20).all()
            continue
        assert (median >= streams / 20).all()
        assert (median <= streams * 20).all()
        assert (median >= min(streams, usual) * steps / 3).all()  # from a spike it may fall back
        assert (median <= streams * steps * 3).all()
        assert quantiles[0, -1] <= 20 * quantiles[0, 0]


@pytest.mark.parametrize("name", MODELS)
def test_a_spike_that_has_passed_is_forgotten(sample: Sample, name: str) -> None:
    rows = good_rows(sample)
    track = hundredth(rows)
    quiet = _forecast(build_panel_of_rows(rows), name)[track]
    spiked = _forecast(build_panel_of_rows(spike_of_track(3)(rows)), name)[track]
    np.testing.assert_array_less(np.abs(np.log(spiked[:, 3] / quiet[:, 3])), np.log(1.5))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("streams", [0, 1])
def test_one_bad_row_hardly_moves_the_forecasts_of_the_others(
    sample: Sample, name: str, streams: int
) -> None:
    rows = good_rows(sample)
    good, bad = (_forecast(build_panel_of_rows(r), name) for r in (rows, smallest_of(streams)(rows)))
    moved = [abs(np.log(bad[t][0, 3] / good[t][0, 3])) for t in good if bad[t][0, 3] > 100]
    assert len(moved) == 199
    assert max(moved) < 0.05
