"""Invented audio features, as a metadata file has them."""

from datetime import date, timedelta

import numpy as np

from training.simulation.catalogue import Catalogue
from training.simulation.draws import Floats, build_rng, draw_choices
from training.simulation.names import draw_ids

KNOWN_SHARE = 0.85
COLUMNS = (
    "track_id", "track_name", "artist_id", "artist_name", "album_id", "duration", "release_date",
    "danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness", "instrumentalness",
    "liveness", "valence", "tempo", "time_signature",
)  # fmt: skip


def draw_metadata(seed: int, catalogue: Catalogue, end: date) -> list[tuple[str, ...] | None]:
    """One row of ``COLUMNS`` a track; None for the tracks of which nothing is known."""
    rng = build_rng(seed, "metadata")
    n_tracks = len(catalogue.track_ids)
    known = rng.random(n_tracks) < KNOWN_SHARE
    album_ids = draw_ids(build_rng(seed, "album ids"), int(catalogue.albums.max()) + 1)
    dates = _draw_dates(rng, catalogue, end)
    features = _draw_features(rng, n_tracks)
    return [
        (
            catalogue.track_ids[track],
            catalogue.track_names[track],
            catalogue.artist_ids[catalogue.artists[track]],
            catalogue.artist_names[catalogue.artists[track]],
            album_ids[catalogue.albums[track]],
            features["duration"][track],
            dates[track],
            *(features[name][track] for name in COLUMNS[7:]),
        )
        if known[track]
        else None
        for track in range(n_tracks)
    ]


def _draw_dates(rng: np.random.Generator, catalogue: Catalogue, end: date) -> list[str]:
    # Of some older tracks only the year or the month is on record.
    days = [(end - timedelta(days=int(released))).isoformat() for released in catalogue.released]
    lengths = np.array([10, 7, 4])[draw_choices(rng, (0.9, 0.02, 0.08), len(days))]
    lengths = np.where(catalogue.is_catalogue, lengths, 10)
    return [day[:length] for day, length in zip(days, lengths, strict=True)]


def _draw_features(rng: np.random.Generator, count: int) -> dict[str, list[str]]:
    normal = [rng.standard_normal(count) for _ in range(9)]
    energy = 0.62 + 0.18 * normal[0]
    return {
        "danceability": _share(0.63 + 0.14 * normal[1]),
        "energy": _share(energy),
        "key": [str(key) for key in (rng.random(count) * 12).astype(int)],
        "loudness": [f"{x:.3f}" for x in np.clip(-6.8 + 8.0 * (energy - 0.62) + 1.8 * normal[2], -30.0, 0.0)],
        "mode": [str(mode) for mode in (rng.random(count) < 0.68).astype(int)],
        "speechiness": _share(0.03 + 0.05 * np.exp(0.8 * normal[3])),
        "acousticness": _share(0.45 - 0.9 * (energy - 0.62) + 0.22 * normal[4]),
        "instrumentalness": _share(np.where(rng.random(count) < 0.8, 0.0, 0.02 * np.exp(normal[5]))),
        "liveness": _share(0.08 + 0.07 * np.exp(0.7 * normal[6])),
        "valence": _share(0.48 + 0.22 * normal[7]),
        "tempo": [f"{x:.3f}" for x in 78.0 + 90.0 * rng.random(count)],
        "duration": [str(x) for x in (1000.0 * np.clip(208.0 + 38.0 * normal[8], 75.0, 480.0)).astype(int)],
        "time_signature": [str((4, 3, 5)[i]) for i in draw_choices(rng, (0.93, 0.06, 0.01), count)],
    }


def _share(values: Floats) -> list[str]:
    return [f"{x:.3f}" for x in np.clip(values, 0.0, 0.99)]
