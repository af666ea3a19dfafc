"""A small invented chart for golden windows: every covariate alive, no real data in it."""

import datetime as dt

import numpy as np

from app.calendar import build_calendar
from app.forecasting.market_covariates import DAYS_AFTER
from app.forecasting.spec import FEATURES
from training.panel import Panel

TRACKS, DAYS = 12, 90
FIRST_DAY = dt.date(2020, 10, 6)  # so that the last windows see Christmas


def build_golden_panel() -> Panel:
    """The same panel every time: 12 tracks over 90 days, with gaps, a debut and unknown features."""
    random = np.random.Generator(np.random.PCG64(20))
    days = np.datetime64(FIRST_DAY, "D") + np.arange(DAYS)
    weekly = 0.1 * np.sin(2 * np.pi * np.arange(DAYS) / 7)
    walk = np.cumsum(random.normal(0, 0.05, (TRACKS, DAYS)), axis=1)
    levels = 10 + 0.3 * np.arange(TRACKS)[:, None]
    streams = np.round(np.exp(levels + weekly + walk)).astype(np.float64)
    streams[random.random(streams.shape) < 0.1] = np.nan
    streams[1, :-4] = np.nan
    features = random.random((TRACKS, len(FEATURES)))
    features[random.random(features.shape) < 0.2] = np.nan
    release_days = days[0] - random.integers(0, 900, TRACKS)
    release_days[2] = np.datetime64("NaT", "D")
    return Panel(
        region="ph",
        days=days,
        track_ids=tuple(f"golden{i:016d}" for i in range(TRACKS)),
        streams=streams,
        positions=np.where(np.isfinite(streams), np.arange(TRACKS)[:, None] + 1.0, np.nan),
        release_days=release_days,
        features=features,
        calendar=build_calendar("ph", FIRST_DAY, FIRST_DAY + dt.timedelta(days=DAYS + DAYS_AFTER)),
        artists=np.arange(TRACKS) // 3,
    )
