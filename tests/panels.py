"""Small invented charts with everything in them that makes a series awkward."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from app.calendar import build_calendar
from app.forecasting.history import UNKNOWN_DAY, Floats, Ints
from app.forecasting.market_covariates import DAYS_AFTER
from app.forecasting.spec import FEATURES
from tests.sample import Row
from training.panel import Panel, build_panel

FIRST_DAY = dt.date(2019, 8, 1)
DAYS = 520  # to the second day of 2021: Christmas twice, a year to look back on, a 29 February
TRACKS = 10
DEBUT = 400  # the day (an index) on which one track is first seen


def build_long_panel() -> Panel:
    """Ten tracks with short and long gaps, a late debut, a track that leaves, days without any chart."""
    random = np.random.Generator(np.random.PCG64(3))
    weekly = 0.15 * np.sin(2 * np.pi * np.arange(DAYS) / 7)
    walk = np.cumsum(random.normal(0, 0.04, (TRACKS, DAYS)), axis=1)
    streams = np.round(np.exp(10 + 0.2 * np.arange(TRACKS)[:, None] + weekly + walk)).astype(np.float64)
    streams[random.random(streams.shape) < 0.08] = np.nan
    streams[1, :DEBUT] = np.nan
    streams[2, 430:455] = np.nan
    streams[3, 420:460] = np.nan  # longer than the lead-in
    streams[4, 480:] = np.nan
    streams[:, [100, 441, 442]] = np.nan
    return build_panel_of(streams, first_day=FIRST_DAY)


def build_panel_of(streams: Floats, first_day: dt.date = FIRST_DAY) -> Panel:
    """A panel of given streams (tracks, days), with positions, metadata (some unknown) and a calendar."""
    n_tracks, n_days = streams.shape
    random = np.random.Generator(np.random.PCG64(4))
    features = random.random((n_tracks, len(FEATURES)))
    features[random.random(features.shape) < 0.2] = np.nan
    features[0] = np.nan
    days = np.datetime64(first_day, "D") + np.arange(n_days)
    release_days = days[0] + random.integers(-900, 300, n_tracks)
    release_days[0] = UNKNOWN_DAY
    return Panel(
        region="ph",
        days=days,
        track_ids=tuple(f"invented{i:014d}" for i in range(n_tracks)),
        streams=streams,
        positions=rank(streams),
        release_days=release_days,
        features=features,
        calendar=build_calendar("ph", first_day, first_day + dt.timedelta(days=n_days + DAYS_AFTER)),
        artists=np.arange(n_tracks) // 2 - 1,
    )


def build_panel_of_rows(rows: Sequence[Row]) -> Panel:
    """The charts of some rows of one region, without metadata."""
    charts = pd.DataFrame([(r.date, r.track_id, r.position, r.streams, r.artist) for r in rows])
    charts.columns = pd.Index(["date", "track_id", "position", "streams", "artist"])
    charts["date"] = pd.to_datetime(charts["date"])
    return build_panel(charts, pd.DataFrame(), "ph")


def rank(streams: Floats) -> Floats:
    """Positions on each day by streams, from 1; NaN where there are none."""
    order = np.argsort(np.argsort(-np.nan_to_num(streams, nan=-1.0), axis=0, kind="stable"), axis=0)
    return np.where(np.isfinite(streams), order + 1.0, np.nan)


def with_streams(panel: Panel, streams: Floats) -> Panel:
    """The same panel with other streams, and the positions that they make."""
    return replace(panel, streams=streams, positions=rank(streams))


def every_track(panel: Panel, cutoff: int) -> tuple[Ints, Ints]:
    """All tracks, each with the same cutoff (an index of a day)."""
    tracks = np.arange(len(panel.track_ids))
    return tracks, np.full_like(tracks, cutoff)
