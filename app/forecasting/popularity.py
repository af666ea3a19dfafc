"""What is known of a track on the eve of its first chart day, as one row of named numbers.

Nothing here reads the entry day's chart or a later one: what the track itself does is what is to be told.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Floats, Ints, day_numbers
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.scaling import scale_features
from app.forecasting.spec import FEATURES

WINDOW = 60  # chart days from the entry on that an outcome is about
CLASSES = ("low", "medium", "high")
OUTPUTS = (*CLASSES, "score", "peak_share", "days_share")
POSITIONS = 200  # a peak_share of 1 is position 1, of 0 one below the last
RECENT = 28  # days of an artist's streams that count as recent
MEMORY = 365  # days of an artist's past that count: a longer one would say how long the chart was followed

# Not the time signature: in the charts that are learned from it is known of the tracks that did well.
# docs/decisions/popularity-knows-the-eve-of-the-entry.md
FEATURES_USED = tuple(name for name in FEATURES if name != "time_signature")
_USED = [FEATURES.index(name) for name in FEATURES_USED]
_CALENDAR = ("weekday_fri", "holiday_1", "christmas_far", "christmas_near", "christmas_past")

FEATURE_INPUTS = (*FEATURES_USED, *(f"{name}_known" for name in FEATURES_USED))
RELEASE_INPUTS = ("release_known", "release_today", "release_age")
ARTIST_INPUTS = (
    "artist_known",
    "artist_tracks",
    "artist_days",
    "artist_charting",
    "artist_best",
    "artist_recent",
    "artist_since_charted",
    "artist_since_debut",
    "artist_debuts_week",
    "artist_debuts_month",
    "artist_first_level",
    "artist_newest_first_level",
    "artist_newest_peak",
    "artist_newest_share",
    "artist_complete",
    "artist_mean_peak",
    "artist_mean_days",
    "artist_last_peak",
    "artist_last_days",
)
DAY_INPUTS = ("friday", "holiday", "christmas_far", "christmas_near", "christmas_past")
INPUTS = FEATURE_INPUTS + RELEASE_INPUTS + ARTIST_INPUTS + DAY_INPUTS


@dataclass(frozen=True)
class Newcomer:
    """A track on the eve of its entry.

    Attributes:
        entry: The index of its first chart day among the chart's days, 1 or later; the day may be the one
            after the chart's last.
        features: The 13 audio features, NaN where unknown. (13,)
        release_day: NaT where unknown.
        artist_known: Whether it has an artist whose other tracks could be looked for.
        artist_streams: Streams of the artist's other tracks, NaN off the chart. Days from ``entry`` on are
            not looked at. (tracks, days)
    """

    entry: int
    features: Floats
    release_day: np.datetime64
    artist_known: bool
    artist_streams: Floats


def build_row(newcomer: Newcomer, market: MarketCovariates) -> NDArray[np.float32]:
    """The row of ``INPUTS`` of a track on the eve of its entry. (inputs,)

    Args:
        newcomer: The track.
        market: What all tracks of the region share on a day; row d of it reads no day after d.
    """
    parts = (
        _describe_track(newcomer, market.first_day_number + newcomer.entry),
        _describe_artist(newcomer, market),
        _describe_day(newcomer.entry, market),
    )
    return np.concatenate(parts).astype(np.float32)


def count_recent_tracks(streams: Floats) -> int:
    """How many of an artist's tracks charted in the year up to the last day. (tracks, days)"""
    return int(np.isfinite(streams[:, -MEMORY:]).any(axis=1).sum())


def log_over_threshold(streams: Floats, market: MarketCovariates) -> Floats:
    """Log streams less that of the smallest on the day's chart. (tracks, days) -> (tracks, days)"""
    logs: Floats = np.log(np.maximum(streams, 1.0)) - market.log_threshold[: streams.shape[1]]
    return logs


def measure_window(relative: Floats, entries: Ints) -> tuple[Floats, Ints]:
    """What came of tracks in their first 60 days from the entry on.

    Args:
        relative: Log streams over the threshold, NaN off the chart. (tracks, days)
        entries: Each track's first day, with 60 days from it on. (tracks,)

    Returns:
        The peak of ``relative`` and the number of chart days. (tracks,), (tracks,)
    """
    days = entries[:, None] + np.arange(WINDOW)
    window = np.take_along_axis(relative, days, axis=1)
    return np.nanmax(window, axis=1), np.isfinite(window).sum(axis=1)


def _describe_track(newcomer: Newcomer, entry_day: int) -> Floats:
    values, known = np.split(scale_features(newcomer.features[None])[0], 2)
    released = not np.isnat(newcomer.release_day)
    # A date after the entry is that of a later edition, which only a success gets: the day itself, at most.
    age = max(entry_day - int(day_numbers([newcomer.release_day])[0]), 0) if released else 0
    release = [released, released and age <= 1, np.log1p(age)]
    return np.concatenate([values[_USED], known[_USED], release])


def _describe_artist(newcomer: Newcomer, market: MarketCovariates) -> Floats:
    described = np.zeros(len(ARTIST_INPUTS))
    described[0] = newcomer.artist_known
    before = newcomer.artist_streams[:, : newcomer.entry]
    before = before[np.isfinite(before[:, -MEMORY:]).any(axis=1)]
    if len(before):
        relative = log_over_threshold(before, market)
        described[1:] = np.concatenate([_sum_up_artist(relative), _sum_up_debuts(relative)])
    return described


def _sum_up_artist(relative: Floats) -> Floats:
    """Of an artist with tracks in the year before. (tracks, days up to the eve) -> (6,)"""
    year = relative[:, -MEMORY:]
    seen = np.isfinite(year)
    last = seen.shape[1] - 1 - seen[:, ::-1].argmax(axis=1)
    recent = np.exp(np.where(seen, year, -np.inf)[:, -RECENT:]).sum() / RECENT
    return np.array(
        [
            np.log1p(len(year)),
            np.log1p(seen.sum()),
            np.log1p(seen[:, -1].sum()),
            np.nanmax(year),
            np.log1p(recent),
            np.log1p(seen.shape[1] - last.max()),
        ]
    )


def _sum_up_debuts(relative: Floats) -> Floats:
    """Of those tracks that came in within the year, after the chart's first day. (12,)"""
    entry, first = relative.shape[1], np.isfinite(relative).argmax(axis=1)
    came = np.flatnonzero((first > 0) & (first >= entry - MEMORY))
    if not len(came):
        return np.zeros(12)
    relative, first = relative[came], first[came]
    level, newest = relative[np.arange(len(first)), first], first.argmax()
    of_newest = relative[newest, first[newest] :]
    general = [
        np.log1p(entry - first.max()),
        np.log1p((first >= entry - 7).sum()),
        np.log1p((first >= entry - RECENT).sum()),
        level.mean(),
        level[newest],
        np.nanmax(of_newest),
        np.isfinite(of_newest).mean(),
    ]
    return np.concatenate([general, _sum_up_outcomes(relative, first)])


def _sum_up_outcomes(relative: Floats, first: Ints) -> Floats:
    """Of those whose 60 days were over on the eve. (5,)"""
    complete = np.flatnonzero(first + WINDOW <= relative.shape[1])
    if not len(complete):
        return np.zeros(5)
    peak, days = measure_window(relative[complete], first[complete])
    newest = first[complete].argmax()
    share = days / WINDOW
    return np.array([np.log1p(len(complete)), peak.mean(), share.mean(), peak[newest], share[newest]])


def _describe_day(entry: int, market: MarketCovariates) -> Floats:
    columns = [market.names.index(name) for name in _CALENDAR]
    # The eve's row tells the calendar of the day after it.
    return market.table[entry - 1, columns].astype(np.float64)
