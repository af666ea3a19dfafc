"""A tree learner's row: made from the past alone, and right where a hand can tell."""

import numpy as np
import pytest

from tests.panels import build_long_panel, every_track, with_streams
from training.panel import Panel
from training.rivals.features import SPEC, build_features

CUTOFF = 500


@pytest.fixture(scope="module")
def panel() -> Panel:
    """Awkward series."""
    return build_long_panel()


def test_nothing_after_the_cutoff_changes_a_feature(panel: Panel) -> None:
    streams = panel.streams.copy()
    streams[:, CUTOFF + 1 :] = np.nan_to_num(streams[::-1, CUTOFF + 1 :]) * 3 + 1
    for one, other in zip(
        build_features(panel, *every_track(panel, CUTOFF)),
        build_features(with_streams(panel, streams), *every_track(panel, CUTOFF)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_a_row_begins_with_the_channels_that_a_model_sees_at_the_cutoff(panel: Panel) -> None:
    tracks, cutoffs = every_track(panel, CUTOFF)
    common, _, log_last, _ = build_features(panel, tracks, cutoffs)
    observed = common[:, SPEC.covariates.index("observed")]
    np.testing.assert_array_equal(observed, np.isfinite(panel.streams[:, CUTOFF]))
    charting = observed == 1
    np.testing.assert_allclose(log_last[charting], np.log(panel.streams[charting, CUTOFF]))


def test_each_horizon_has_its_weekday_and_the_tracks_moves_over_the_same_days_of_past_weeks() -> None:
    panel = build_long_panel()
    whole = with_streams(panel, np.exp(9 + np.random.Generator(np.random.PCG64(1)).normal(size=(10, 520))))
    tracks, cutoffs = every_track(whole, CUTOFF)
    _, own, _, base = build_features(whole, tracks, cutoffs)
    logs = np.log(whole.streams) - whole.covariates.movement.cumsum()
    for horizon in (1, 4, 7):
        row = own[:, horizon - 1]
        np.testing.assert_allclose(row[:, 0], base[:, horizon - 1], rtol=1e-5)
        target = whole.days[CUTOFF] + horizon
        assert set(row[:, 1]) == {(int(target.astype(int)) + 3) % 7}
        moves = [logs[:, CUTOFF - 7 * k + horizon] - logs[:, CUTOFF - 7 * k] for k in (1, 2, 3, 4)]
        np.testing.assert_allclose(row[:, 3:], np.stack(moves, axis=1), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(row[:, 2], np.mean(moves, axis=0), rtol=1e-4, atol=1e-6)
