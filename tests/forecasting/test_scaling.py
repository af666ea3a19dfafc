"""Scales are reversible within their clip, and unknown features are zeros with a mask."""

import numpy as np

from app.forecasting.scaling import scale_features, scale_log_ratio, unscale_log_ratio
from app.forecasting.spec import FEATURES


def test_log_ratios_come_back_within_the_clip_and_stop_at_it() -> None:
    ratios = np.array([-2.0, -0.3, 0.0, 0.1, 2.0])
    np.testing.assert_allclose(unscale_log_ratio(scale_log_ratio(ratios)), ratios)
    np.testing.assert_array_equal(scale_log_ratio(np.array([-9.0, 9.0])), [-20, 20])


def test_features_are_scaled_by_their_own_meaning_in_the_order_of_the_spec() -> None:
    values = dict.fromkeys(FEATURES, 0.5) | {
        "key": 11.0,
        "loudness": -10.0,
        "tempo": 180.0,
        "duration_ms": 240_000.0,
        "time_signature": 3.0,
        "mode": 1.0,
    }
    scaled = scale_features(np.array([[values[name] for name in FEATURES]]))[0]
    found = dict(zip(FEATURES, scaled[:13], strict=True))
    expected = {"key": 1, "loudness": 0, "tempo": 1, "duration_ms": 0, "time_signature": -1, "mode": 1}
    assert found == dict.fromkeys(FEATURES, 0.0) | expected
    assert scaled[13:].all()


def test_an_unknown_feature_is_zero_and_masked_and_an_absurd_one_clipped() -> None:
    features = np.full((2, 13), np.nan)
    features[1, FEATURES.index("tempo")] = 1e9
    scaled = scale_features(features)
    assert not scaled[0].any()
    tempo = FEATURES.index("tempo")
    assert list(np.flatnonzero(scaled[1])) == [tempo, 13 + tempo]
    assert scaled[1, tempo] == 3
