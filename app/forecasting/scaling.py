"""Scales of the model's inputs and outputs: fixed numbers, so there is nothing to fit and nothing to lose."""

import numpy as np

from app.forecasting.history import Floats

RATIO_SCALE = 10.0  # daily log-ratios are of the order of 0.1
LARGEST_LOG_RATIO = 2.0  # a 20-fold spike (3.0) says no more to the model than a 7-fold one

# feature: (middle, half range), by what the features mean, not by any data set
_FEATURE_RANGES = {
    "danceability": (0.5, 0.5),
    "energy": (0.5, 0.5),
    "key": (5.5, 5.5),
    "loudness": (-10.0, 10.0),
    "mode": (0.5, 0.5),
    "speechiness": (0.5, 0.5),
    "acousticness": (0.5, 0.5),
    "instrumentalness": (0.5, 0.5),
    "liveness": (0.5, 0.5),
    "valence": (0.5, 0.5),
    "tempo": (120.0, 60.0),
    "duration_ms": (240_000.0, 120_000.0),
    "time_signature": (4.0, 1.0),
}
_MIDDLES = np.array([middle for middle, _ in _FEATURE_RANGES.values()])
_HALF_RANGES = np.array([half for _, half in _FEATURE_RANGES.values()])


def scale_log_ratio(log_ratio: Floats) -> Floats:
    """Bring log-ratios of streams to the order of one; ``unscale_log_ratio`` undoes it within the clip."""
    return np.clip(log_ratio, -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO) * RATIO_SCALE


def unscale_log_ratio(scaled: Floats) -> Floats:
    """Bring the model's outputs back to log-ratios of streams."""
    return scaled / RATIO_SCALE


def scale_features(features: Floats) -> Floats:
    """Bring the 13 audio features (in the order of ``spec.FEATURES``) to about -1 to 1; clipped at 3.

    Args:
        features: NaN where unknown. (tracks, 13)

    Returns:
        The scaled features with 0 for unknown ones, then a mask of the known ones. (tracks, 26)
    """
    known = np.isfinite(features)
    scaled = np.minimum(np.maximum((features - _MIDDLES) / _HALF_RANGES, -3.0), 3.0)
    return np.concatenate([np.where(known, scaled, 0.0), known], axis=1)
