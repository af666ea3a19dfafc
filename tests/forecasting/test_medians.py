"""Medians of rows with gaps."""

import numpy as np
import pytest

from app.forecasting.medians import median_of_known


@pytest.mark.parametrize("n_values", [1, 2, 4, 7, 90])
def test_it_is_the_median_of_what_is_finite_to_the_bit(n_values: int) -> None:
    random = np.random.Generator(np.random.PCG64(1))
    values = random.normal(size=(500, n_values))
    values[random.random(values.shape) < 0.4] = np.nan
    some = np.isfinite(values).any(axis=1)
    expected = np.full(len(values), np.nan)
    expected[some] = np.nanmedian(values[some], axis=1)
    assert not some.all() or n_values > 4
    np.testing.assert_array_equal(median_of_known(values), expected)


def test_rows_without_a_finite_value_have_no_median_and_infinities_do_not_count() -> None:
    values = np.array([[np.nan, np.nan, np.inf], [1.0, -np.inf, 3.0]])
    np.testing.assert_array_equal(median_of_known(values), [np.nan, 2.0])


def test_no_rows_have_no_medians() -> None:
    assert median_of_known(np.empty((0, 4))).shape == (0,)
