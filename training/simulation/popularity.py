"""How popular each track is in a region, day by day, whether the chart shows it or not."""

from datetime import date

import numpy as np

from training.simulation.catalogue import Catalogue
from training.simulation.draws import Floats, build_rng, draw_autoregression
from training.simulation.market import build_season, draw_market

SHARED = 0.75  # of a track's and an artist's standing is the same in every region
ABSENT = -30.0  # log level of a track that is not out yet
# The rank-size curve of a real chart: (rank, log streams over rank 200), a falling line through them.
_RANKS = (1, 2, 5, 10, 20, 50, 100, 150, 200, 260, 400, 1_000)
_SIZES = (2.4, 2.24, 1.93, 1.71, 1.45, 0.95, 0.39, 0.165, 0.0, -0.18, -0.6, -2.2)
_SPIKES_A_DAY = 0.25
_MARKET_SPREAD = 0.3


def draw_popularity(seed: int, region: str, catalogue: Catalogue, days: list[date]) -> Floats:
    """Log streams of every track on every day, before the chart cuts them off. (tracks, days)"""
    rng = build_rng(seed, "popularity", region)
    age = _ages(catalogue, len(days))
    standing = _draw_standing(seed, region, catalogue)
    level = _fit_to_rank_sizes(standing[:, None] + _life_cycle(catalogue, age), age)
    volatility = _volatility(rng, age)
    level += draw_autoregression(rng, volatility, 0.985)
    level += 0.7 * volatility * rng.standard_normal(age.shape)  # of the day alone: gone on the next
    level += _draw_spikes(rng, age.shape)
    level += np.where(catalogue.seasonal[:, None], build_season(days)[None, :] - 0.8, 0.0)
    level += _spread_over_tracks(rng, draw_market(seed, region, days), len(age))
    return np.where(age >= 0, level, ABSENT)


def _ages(catalogue: Catalogue, n_days: int) -> Floats:
    last = np.arange(n_days) - (n_days - 1)  # 0 on the last day
    return (catalogue.released[:, None] + last[None, :]).astype(np.float64)


def _draw_standing(seed: int, region: str, catalogue: Catalogue) -> Floats:
    # Log-popularity at the peak: the artist's and the track's own, each partly shared between regions.
    common, own = build_rng(seed, "standing"), build_rng(seed, "standing", region)
    standing = np.zeros(len(catalogue.released))
    for index, spread in ((catalogue.artists, 0.6), (np.arange(len(standing)), 0.7)):
        count = int(index.max()) + 1
        mixed = SHARED**0.5 * common.standard_normal(count) + (1 - SHARED) ** 0.5 * own.standard_normal(count)
        standing += spread * mixed[index]
    return standing


def _life_cycle(catalogue: Catalogue, age: Floats) -> Floats:
    # A release rises and falls as a log-normal curve of its age; the catalogue only fades.
    log_age = np.log(np.maximum(age, 0.0) + 1.5)
    distance = (log_age - np.log(catalogue.peak_age + 1.5)[:, None]) / catalogue.width[:, None]
    fading = -1.25 - 0.0003 * age
    return np.where(catalogue.is_catalogue[:, None], fading, -0.5 * distance**2)


def _fit_to_rank_sizes(level: Floats, age: Floats) -> Floats:
    # One rising map for all days gives the whole the spread of a real chart, and keeps every order.
    out = np.where(age >= 0, level, ABSENT)
    mean_by_rank = np.sort(out, axis=0)[::-1].mean(axis=1)
    ranks = np.minimum(np.array(_RANKS), len(level)) - 1
    known = mean_by_rank[ranks][::-1]
    sizes = np.array(_SIZES)[::-1]
    top = sizes[-1] + np.maximum(level - known[-1], 0.0) * 0.2  # above the mean best: no bound
    return np.asarray(np.where(level > known[-1], top, np.interp(level, known, sizes)))


def _volatility(rng: np.random.Generator, age: Floats) -> Floats:
    # A new track's days differ more, and some tracks are livelier than others.
    of_track = np.exp(0.35 * rng.standard_normal((len(age), 1)))
    return 0.016 * of_track * (1.0 + 2.5 * np.exp(-np.maximum(age, 0.0) / 5.0))


def _draw_spikes(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    # A clip goes round: up within two days, gone within weeks.
    n_tracks, n_days = shape
    spikes = np.zeros(shape)
    for _ in range(int(_SPIKES_A_DAY * n_days)):
        track, start = int(rng.random() * n_tracks), int(rng.random() * n_days)
        height, fade = 0.3 + 1.3 * rng.random(), 5.0 + 15.0 * rng.random()
        since = np.arange(n_days - start)
        spikes[track, start:] += height * np.where(since == 0, 0.5, np.exp(-(since - 1) / fade))
    return spikes


def _spread_over_tracks(rng: np.random.Generator, market: Floats, n_tracks: int) -> Floats:
    # Not every track follows the market alike.
    mean = market.mean()
    share = 1.0 + _MARKET_SPREAD * rng.standard_normal((n_tracks, 1))
    return np.asarray(mean + share * (market - mean)[None, :])
