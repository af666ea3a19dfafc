"""How errors go together, and with which correlation sums are covered: told from errors made for it."""

import numpy as np
import pandas as pd
import pytest

from app.forecasting.reconciliation import Levels, min_trace, shrink
from training.report import LEVELS
from training.systems.artists.cells import CALIBRATED, Cells
from training.systems.artists.covariance import Block, fit_errors
from training.systems.artists.intervals import add_distances, fit_correlations, summarise_coverage

DAYS, ARTISTS, EACH = 400, 8, 3
SHARED, OF_ARTIST = 0.2, 0.4  # of a track's error variance: with all tracks, with its artist's alone
DEVIATION = 500.0
NORMAL = {0.025: -1.95996, 0.1: -1.28155, 0.25: -0.67449, 0.75: 0.67449, 0.9: 1.28155, 0.975: 1.95996}


@pytest.fixture(scope="module")
def cells() -> Cells:
    """Tracks that are forecast at 10,000; artists and the chart with an error of their own on top."""
    random = np.random.Generator(np.random.PCG64(9))
    artist_of = np.repeat(np.arange(ARTISTS), EACH)
    parts = (
        np.sqrt(SHARED) * random.normal(size=(DAYS, 1)),
        np.sqrt(OF_ARTIST) * random.normal(size=(DAYS, ARTISTS))[:, artist_of],
        np.sqrt(1 - SHARED - OF_ARTIST) * random.normal(size=(DAYS, ARTISTS * EACH)),
    )
    actual = 10_000 + DEVIATION * np.add(parts[0] + parts[1], parts[2])
    tracks = pd.DataFrame(
        {
            "horizon": 1,
            "cutoff": np.repeat(np.arange(DAYS), ARTISTS * EACH),
            "artist": np.tile(artist_of, DAYS),
            "observed_days": 100,
            "actual": actual.ravel(),
            "base": 10_000.0,
        }
    )
    tracks = tracks.assign(**{f"{CALIBRATED}@{q}": 10_000 + DEVIATION * z for q, z in NORMAL.items()})
    of_artists = tracks.groupby(["horizon", "cutoff", "artist"])["actual"].sum().reset_index()
    of_charts = tracks.groupby(["horizon", "cutoff"])["actual"].sum().reset_index()
    noise = random.normal(size=len(of_artists))
    return Cells(
        tracks,
        of_artists.assign(base=of_artists["actual"] + 300 * noise, tracks=EACH),
        of_charts.assign(base=of_charts["actual"] + 900 * random.normal(size=DAYS)),
    )


def test_usual_errors_and_correlations_are_found(cells: Cells) -> None:
    errors = fit_errors(cells)[1]
    assert errors.tracks[3] == pytest.approx(0.05, rel=0.03)
    assert errors.artists[1] == pytest.approx(0.01, rel=0.05)
    found = errors.correlations
    assert found.same_artist == pytest.approx(SHARED + OF_ARTIST, abs=0.03)
    assert found.other_artist == pytest.approx(SHARED, abs=0.03)
    assert np.abs([found.artists, found.own, found.track_other, found.artist_chart]).max() < 0.06


def test_their_covariance_makes_better_forecasts_than_any_level_alone(cells: Cells) -> None:
    errors = fit_errors(cells)[1]
    artist_of = np.repeat(np.arange(ARTISTS), EACH)
    misses = []
    for day in range(0, DAYS, 20):
        tracks, artists, charts = (of[of["cutoff"] == day] for of in cells.levels.values())
        base = Levels(float(charts["base"].iloc[0]), artists["base"].to_numpy(), tracks["base"].to_numpy())
        kinds, groups = np.full(ARTISTS, 1), np.full(ARTISTS * EACH, 3)
        block = Block(base.chart, base.artists, base.tracks, artist_of, groups, kinds)
        covariance = errors.covariance(block)
        np.testing.assert_allclose(covariance, covariance.T)
        np.linalg.cholesky(shrink(covariance, 0.25))  # positive definite
        levels = min_trace(base, artist_of, shrink(covariance, 0.25))
        pairs = (
            (levels.tracks, tracks),
            (base.tracks, tracks),
            (levels.artists, artists),
            (base.artists, artists),
        )
        misses.append([float(np.abs(said - of["actual"]).mean()) for said, of in pairs])
    of_tracks, base_tracks, of_artists, base_artists = np.mean(misses, axis=0)
    assert of_tracks < 0.9 * base_tracks  # what the artists' better forecasts say reaches the tracks
    assert of_artists < 1.02 * base_artists


def test_the_correlation_that_covers_is_the_one_that_the_errors_have(cells: Cells) -> None:
    artists = add_distances(cells)
    correlation = fit_correlations(artists)[1]
    assert correlation == pytest.approx(SHARED + OF_ARTIST, abs=0.15)
    coverage = summarise_coverage(artists, np.full(len(artists), correlation))["2 or 3"]
    for level in LEVELS:
        held = [
            coverage[way][str(level)]["coverage"] for way in ("independent", "estimated", "summed bounds")
        ]
        assert held == sorted(held)
        assert held[1] == pytest.approx(level, abs=2)
