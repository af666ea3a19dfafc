"""Rows of new tracks: what is known on the eve of the entry, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from app.forecasting.history import UNKNOWN_DAY, Floats
from app.forecasting.popularity import (
    FEATURES_USED,
    INPUTS,
    WINDOW,
    Newcomer,
    build_row,
    count_recent_tracks,
    log_over_threshold,
    measure_window,
)
from app.forecasting.spec import FEATURES
from tests.panels import DAYS, build_long_panel, with_streams
from training.panel import Panel
from training.systems.popularity.rows import LEAD_IN, build_rows

ENTRY = 300  # an index of a day


@pytest.fixture(scope="module")
def panel() -> Panel:
    return build_long_panel()


def _newcomer(**changes: object) -> Newcomer:
    nobody = Newcomer(
        entry=ENTRY,
        features=np.full(len(FEATURES), np.nan),
        release_day=UNKNOWN_DAY,
        artist_known=False,
        artist_streams=np.empty((0, DAYS)),
    )
    return replace(nobody, **changes)  # type: ignore[arg-type]


def _describe(newcomer: Newcomer, panel: Panel) -> dict[str, float]:
    return dict(zip(INPUTS, build_row(newcomer, panel.covariates).tolist(), strict=True))


def _streams(panel: Panel, *stretches: tuple[int, int, float]) -> Floats:
    """Tracks that chart from a day to before another, at so many times the day's threshold."""
    threshold = np.exp(panel.covariates.log_threshold)
    streams = np.full((len(stretches), len(panel.days)), np.nan)
    for row, (first, end, times) in enumerate(stretches):
        streams[row, first:end] = times * threshold[first:end]
    return streams


def test_of_a_track_that_nothing_is_known_of_only_the_chart_speaks(panel: Panel) -> None:
    row = _describe(_newcomer(), panel)
    spoken = {name for name, value in row.items() if value}
    assert spoken <= {name for name in INPUTS if not name.startswith(("artist", "release", *FEATURES_USED))}


def test_a_release_after_the_entry_is_that_of_a_later_edition_and_says_no_more_than_the_day_itself(
    panel: Panel,
) -> None:
    entry = panel.days[ENTRY]
    rows = [build_row(_newcomer(release_day=entry + days), panel.covariates) for days in (0, 1, 400)]
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[0], rows[2])
    old = _describe(_newcomer(release_day=entry - 99), panel)
    assert (old["release_known"], old["release_today"]) == (1, 0)
    assert old["release_age"] == pytest.approx(np.log1p(99))


def test_the_time_signature_has_no_say(panel: Panel) -> None:
    features = np.full(len(FEATURES), np.nan)
    features[FEATURES.index("time_signature")] = 3
    known = build_row(_newcomer(features=features), panel.covariates)
    np.testing.assert_array_equal(known, build_row(_newcomer(), panel.covariates))


def test_an_artist_is_told_by_the_tracks_it_had(panel: Panel) -> None:
    streams = _streams(panel, (0, 50, 2.0), (100, 130, 4.0), (280, ENTRY, np.e))
    row = _describe(_newcomer(artist_known=True, artist_streams=streams), panel)
    assert row["artist_known"] == 1
    assert row["artist_tracks"] == pytest.approx(np.log1p(3))
    assert row["artist_days"] == pytest.approx(np.log1p(100))
    assert row["artist_charting"] == pytest.approx(np.log1p(1))
    assert row["artist_best"] == pytest.approx(np.log(4), abs=1e-6)
    assert row["artist_since_debut"] == pytest.approx(np.log1p(20))
    assert row["artist_newest_peak"] == pytest.approx(1, abs=1e-6)
    assert row["artist_newest_share"] == 1
    assert row["artist_debuts_week"] == 0
    assert row["artist_debuts_month"] == pytest.approx(np.log1p(1))
    # the first was there from the start and the last's 60 days are not over: one has come out
    assert row["artist_complete"] == pytest.approx(np.log1p(1))
    assert row["artist_mean_days"] == pytest.approx(30 / WINDOW)
    assert row["artist_mean_peak"] == pytest.approx(np.log(4), abs=1e-6)


def test_an_artists_past_goes_back_a_year(panel: Panel) -> None:
    entry = 400
    long_ago = _streams(panel, (5, 30, 9.0))
    there = _streams(panel, (5, 60, 9.0), (300, 330, 2.0))
    rows = [
        _describe(_newcomer(entry=entry, artist_known=True, artist_streams=streams), panel)
        for streams in (long_ago, there)
    ]
    assert {name for name, value in rows[0].items() if value and name.startswith("artist")} == {
        "artist_known"
    }
    assert rows[1]["artist_tracks"] == pytest.approx(np.log1p(2))
    assert rows[1]["artist_days"] == pytest.approx(np.log1p(60 - 35 + 30))
    assert rows[1]["artist_first_level"] == pytest.approx(
        np.log(2), abs=1e-6
    )  # the other's debut is long past
    assert count_recent_tracks(there[:, :entry]) == 2


def test_an_outcome_counts_from_the_day_after_its_window_on(panel: Panel) -> None:
    for first, complete in ((ENTRY - WINDOW, 1), (ENTRY - WINDOW + 1, 0)):
        streams = _streams(panel, (first, ENTRY, 2.0))
        row = _describe(_newcomer(artist_known=True, artist_streams=streams), panel)
        assert row["artist_complete"] == pytest.approx(np.log1p(complete))


def test_a_window_has_sixty_days_from_the_entry_on(panel: Panel) -> None:
    streams = _streams(panel, (90, 100, 2.0), (100, 110, 3.0), (159, 161, 5.0))
    relative = log_over_threshold(np.fmax.reduce(streams, axis=0)[None], panel.covariates)
    peak, days = measure_window(relative, np.array([100]))
    assert peak[0] == pytest.approx(np.log(5))
    assert days[0] == 11


def _shuffled_from(panel: Panel, day: int, entering: int) -> Panel:
    """The same charts with other streams from ``day`` on; ``entering`` still comes in on its own day."""
    random = np.random.Generator(np.random.PCG64(8))
    streams = panel.streams.copy()
    streams[:, day:] = random.permuted(random.permuted(streams[:, day:], axis=0), axis=1) * 1.7
    streams[entering, : panel.first_index[entering]] = np.nan
    streams[entering, panel.first_index[entering]] = 1e6
    return with_streams(panel, streams)


def _row_of(panel: Panel, track: int) -> NDArray[np.float32]:
    rows = build_rows([panel])
    entered = np.flatnonzero(panel.first_index >= LEAD_IN)
    row: NDArray[np.float32] = rows.inputs[np.flatnonzero(entered == track)[0]]
    return row


def test_no_row_reads_the_entry_day_or_a_later_one() -> None:
    panel = _with_entries(build_long_panel())
    entered = np.flatnonzero(panel.first_index >= LEAD_IN)
    assert len(entered) >= 5
    moved_by_the_eve = 0
    for track in map(int, entered):
        day, known = int(panel.first_index[track]), _row_of(panel, track)
        np.testing.assert_array_equal(_row_of(_shuffled_from(panel, day, track), track), known)
        moved_by_the_eve += not np.array_equal(_row_of(_shuffled_from(panel, day - 40, track), track), known)
    assert moved_by_the_eve >= 3  # of those whose artist was there before


def _with_entries(panel: Panel) -> Panel:
    """The same charts, with tracks coming in one after the other, two of each artist."""
    streams = panel.streams.copy()
    for track in range(3, len(panel.track_ids)):
        streams[track, : 70 + 40 * track] = np.nan
    return with_streams(panel, streams)
