"""The tracks there are: who made them, when they came out, and how they rise and fall."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from training.simulation.draws import Bools, Floats, Ints, build_rng, draw_choices
from training.simulation.names import draw_ids, draw_names

SEASONAL_SHARE = 0.04
CATALOGUE_SHARE = 0.3
ALBUM_SHARE = 0.35  # of the releases
RELEASE_SPAN = 420  # days before the end that releases reach back; the catalogue is older
TRACKS_PER_ARTIST = 6
# Monday to Sunday: most releases are for the Friday, some regions have them in on a Thursday or Monday.
RELEASE_WEEKDAYS = (0.09, 0.06, 0.08, 0.13, 0.47, 0.1, 0.07)


@dataclass(frozen=True)
class Catalogue:
    """Tracks as arrays, one element a track.

    Attributes:
        track_ids: 22 characters.
        track_names: Different from one another.
        artists: Index into ``artist_names``.
        artist_ids: By artist.
        artist_names: By artist.
        albums: Tracks of one release share a number.
        released: The day it came out, in days before the last day simulated (0: on it).
        peak_age: Days from release to its peak.
        width: How slowly it rises and falls about the peak, in log days.
        seasonal: Christmas songs.
    """

    track_ids: list[str]
    track_names: list[str]
    artists: Ints
    artist_ids: list[str]
    artist_names: list[str]
    albums: Ints
    released: Ints
    peak_age: Floats
    width: Floats
    seasonal: Bools

    @property
    def is_catalogue(self) -> Bools:
        """Tracks that came out before the releases simulated."""
        return self.released > RELEASE_SPAN


def build_catalogue(seed: int, end: date, tracks: int) -> Catalogue:
    """Invent ``tracks`` tracks; the newest comes out on ``end``."""
    rng = build_rng(seed, "catalogue")
    n_seasonal, n_old = int(tracks * SEASONAL_SHARE), int(tracks * CATALOGUE_SHARE)
    n_new = tracks - n_seasonal - n_old
    n_artists = max(tracks // TRACKS_PER_ARTIST, 1)
    old_days = RELEASE_SPAN + 1 + (rng.random(n_seasonal + n_old) ** 2 * 4_500).astype(np.int64)
    old_artists = draw_choices(rng, _fame(n_artists), n_seasonal + n_old)
    albums, new_artists, new_days = _draw_releases(rng, end, n_new, n_artists)
    peak_age, width = _draw_curves(rng, albums)
    return Catalogue(
        track_ids=draw_ids(build_rng(seed, "track ids"), tracks),
        track_names=draw_names(build_rng(seed, "track names"), tracks, 3),
        artists=np.concatenate([old_artists, new_artists]),
        artist_ids=draw_ids(build_rng(seed, "artist ids"), n_artists),
        artist_names=draw_names(build_rng(seed, "artist names"), n_artists, 2),
        albums=np.concatenate([n_new + np.arange(n_seasonal + n_old), albums]),
        released=np.concatenate([old_days, new_days]),
        peak_age=np.concatenate([np.ones(n_seasonal + n_old), peak_age]),
        width=np.concatenate([np.ones(n_seasonal + n_old), width]),
        seasonal=np.arange(tracks) < n_seasonal,
    )


def _fame(n_artists: int) -> Floats:
    # A few artists make much of what charts.
    return 1.0 / np.linspace(10.0, 9.0 + n_artists, n_artists)


def _draw_releases(
    rng: np.random.Generator, end: date, tracks: int, n_artists: int
) -> tuple[Ints, Ints, Ints]:
    # An album drops several tracks of one artist on one day; a single is an album of one.
    sizes: list[int] = []
    while sum(sizes) < tracks:
        album = rng.random() < ALBUM_SHARE / 7  # albums have some 8 tracks: the share is of tracks
        sizes.append(min(int(5 + rng.random() * 7) if album else 1, tracks - sum(sizes)))
    albums = np.repeat(np.arange(len(sizes)), sizes)
    artists = draw_choices(rng, _fame(n_artists), len(sizes))
    days = _draw_release_days(rng, end, len(sizes))
    return albums, artists[albums], days[albums]


def _draw_release_days(rng: np.random.Generator, end: date, count: int) -> Ints:
    week = (rng.random(count) * (RELEASE_SPAN / 7)).astype(np.int64)
    weekday = draw_choices(rng, RELEASE_WEEKDAYS, count)
    last_sunday = end + timedelta(days=6 - end.weekday())
    ahead = (last_sunday - end).days
    days: Ints = 7 * week + (6 - weekday) - ahead
    return np.where(days < 0, days + 7, days)


def _draw_curves(rng: np.random.Generator, albums: Ints) -> tuple[Floats, Floats]:
    sizes = np.bincount(albums)[albums]
    first = np.concatenate([[True], albums[1:] != albums[:-1]])
    # What an album carries in with it, and many a single, is heard once and falls from its first day.
    brief = np.where((sizes > 1) & ~first, 0.85, 0.45) > rng.random(len(albums))
    peak_age = np.exp(np.log(3.0) + 1.1 * rng.standard_normal(len(albums)))
    spread = rng.random(len(albums))
    return np.where(brief, 0.3, peak_age), np.where(brief, 0.45 + 0.45 * spread, 1.4 + 1.6 * spread)
