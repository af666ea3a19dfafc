"""The dates x songs matrix: which songs, which days, what is filled."""

import numpy as np
import pytest

from tests.panels import build_panel_of
from tests.training.paper.charts import DAYS, build_small_chart, build_streams
from training.paper.matrix import build_matrix, choose_few, fill_single_gaps

NAN = float("nan")


def test_a_single_missing_day_is_the_mean_of_its_neighbours() -> None:
    filled = fill_single_gaps(np.array([[1.0, NAN, 4.0, 5.0]]))
    assert filled.tolist() == [[1.0, 2.5, 4.0, 5.0]]


def test_two_missing_days_and_the_ends_stay_missing() -> None:
    streams = np.array([[NAN, 1.0, NAN, NAN, 4.0, NAN]])
    assert np.array_equal(fill_single_gaps(streams), streams, equal_nan=True)


def test_a_longer_gap_drops_the_song_and_no_date() -> None:
    streams = build_streams()
    streams[3, 80:82] = np.nan
    matrix = build_matrix(build_panel_of(streams), n_days=40, min_share=0.9)
    assert matrix.tracks.tolist() == [0, 1, 2, 4]
    assert matrix.streams.shape == (40, 4)
    assert np.isfinite(matrix.streams).all()
    assert np.diff(matrix.days).astype(int).tolist() == [1] * 39


def test_the_threshold_is_met_or_the_song_is_out() -> None:
    streams = build_streams()
    streams[2, -39:-1:4] = np.nan  # ten single days of forty: filled, were it not for the threshold
    panel = build_panel_of(streams)
    assert 2 in build_matrix(panel, n_days=40, min_share=0.75).tracks
    assert 2 not in build_matrix(panel, n_days=40, min_share=0.76).tracks


def test_more_days_are_fewer_songs() -> None:
    panel = build_small_chart()
    assert 1 in build_matrix(panel, n_days=45, min_share=0.9).tracks
    assert 1 not in build_matrix(panel, n_days=46, min_share=0.9).tracks


def test_filled_days_are_marked() -> None:
    matrix = build_matrix(build_small_chart(), n_days=40, min_share=0.9)
    assert np.argwhere(~matrix.observed).tolist() == [[10, 0], [35, 0]]


def test_the_songs_of_a_part_come_in_the_order_asked_for() -> None:
    matrix = build_matrix(build_small_chart(), n_days=40, min_share=0.9)
    part = matrix.of(np.array([4, 2]))
    assert part.streams[0].tolist() == [build_streams()[4, -40], build_streams()[2, -40]]
    with pytest.raises(ValueError, match=r"songs \[7\] are not in the matrix"):
        matrix.of(np.array([7]))


def test_the_few_songs_are_chosen_on_training_days_among_those_in_every_matrix() -> None:
    streams = build_streams()
    streams[0, -10:] *= 1000  # the largest by far, in the test part alone
    streams[1] *= 1000  # not in the longest matrix
    streams[[3, 4]] *= [[10], [20]]
    panel = build_panel_of(streams)
    matrices = [build_matrix(panel, n_days=n, min_share=0.9) for n in (40, 60)]
    assert choose_few(matrices, 2, 30).tolist() == [4, 3]


def test_a_chart_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="wants more than the 90 days"):
        build_matrix(build_small_chart(), n_days=DAYS + 1, min_share=0.9)
    empty = build_streams()
    empty[:, -2:] = np.nan
    with pytest.raises(ValueError, match="no song charted throughout"):
        build_matrix(build_panel_of(empty), n_days=40, min_share=0.9)
