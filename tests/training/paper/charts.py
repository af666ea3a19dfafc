"""A small invented chart that the remake fits in, and settings to match."""

import numpy as np

from app.forecasting.history import Floats
from tests.panels import build_panel_of
from training.panel import Panel
from training.paper.settings import PaperSettings

SONGS, DAYS = 5, 90
SMALL = PaperSettings(
    thresholds=(50, 60),
    n_few=2,
    test_days=10,
    lookbacks=(1, 3),
    lookback=2,
    units=3,
    passes=2,
    passes_per_point=1,
    pooled_passes=1,
    pooled_lookbacks=(1,),
    seeds=(1,),
    our_epochs=2,
)


def build_streams() -> Floats:
    """Five songs with a weekly rhythm; the first misses single days, the second enters late."""
    random = np.random.Generator(np.random.PCG64(6))
    weekly = 0.1 * np.sin(2 * np.pi * np.arange(DAYS) / 7)
    walk = np.cumsum(random.normal(0, 0.03, (SONGS, DAYS)), axis=1)
    streams: Floats = np.round(np.exp(9 + 0.2 * np.arange(SONGS)[:, None] + weekly + walk)).astype(np.float64)
    streams[0, [60, DAYS - 5]] = np.nan
    streams[1, : DAYS - 45] = np.nan
    return streams


def build_small_chart() -> Panel:
    """As a panel."""
    return build_panel_of(build_streams())
