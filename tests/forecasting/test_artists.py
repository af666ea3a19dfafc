"""Companions: what an artist has on the chart beside a track."""

import numpy as np

from app.forecasting.artists import (
    ChartArtists,
    artist_id,
    artist_key,
    artist_name,
    count_companions,
    number_artists,
)

NAMES = ["Ada, Bob", "ada", "Cy", None, "", "ADA ", "Cy, Ada"]
CHARTING = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1], [0, 1, 1], [0, 0, 1]], bool)
AGE = np.array([[9, 10, 11], [0, 1, 2], [5, 6, 7], [0, 1, 2], [0, 1, 2], [-1, 0, 1], [-2, -1, 0]])


def test_an_artist_is_the_first_one_named_whatever_the_spelling() -> None:
    assert artist_key("Ada, Bob") == artist_key(" ADA") == "ada"
    assert artist_key(None) == artist_key("") == ""
    numbers = number_artists(NAMES)
    assert numbers[0] == numbers[1] == numbers[5] >= 0
    assert numbers[2] == numbers[6] != numbers[0]
    assert numbers[3] == numbers[4] == -1


def test_an_artists_id_is_of_its_key_and_never_changes() -> None:
    assert artist_id("AC/DC") == artist_id(" ac/dc, Somebody") == "cacecbbbdfc86c40"
    assert artist_id("Beyoncé") != artist_id("Beyonce")
    assert artist_id(None) is artist_id(" , Bob") is artist_id("") is None


def test_an_artists_name_is_the_first_one_named_as_it_is_spelt() -> None:
    assert artist_name(" Ada , Bob") == "Ada"
    assert artist_name(None) == ""


def test_companions_are_the_artists_other_tracks_on_the_days_chart() -> None:
    others, new = count_companions(number_artists(NAMES), CHARTING, AGE)
    # Ada has the tracks 0, 1 and 5; 1 and 5 are new while they chart within a week of their first day
    np.testing.assert_array_equal(others[[0, 1, 5]], [[1, 1, 2], [1, 2, 1], [2, 1, 1]])
    np.testing.assert_array_equal(new[[0, 1, 5]], [[1, 1, 2], [0, 1, 1], [1, 0, 1]])
    np.testing.assert_array_equal(new[[2, 6]], [[0, 0, 1], [1, 1, 0]])
    assert not others[[3, 4]].any()  # nobody's tracks have no companions


def test_one_days_chart_says_the_same() -> None:
    others, new = count_companions(number_artists(NAMES), CHARTING, AGE)
    for day in range(CHARTING.shape[1]):
        on_chart = np.flatnonzero(CHARTING[:, day])
        chart = ChartArtists((str(i), NAMES[i], int(AGE[i, day])) for i in on_chart)
        for i, name in enumerate(NAMES):
            assert chart.companions(str(i), name) == (others[i, day], new[i, day])


def test_a_chart_without_names_has_no_companions() -> None:
    others, new = count_companions(np.array([-1, -1]), np.ones((2, 3), bool), np.zeros((2, 3), int))
    assert not others.any()
    assert not new.any()
