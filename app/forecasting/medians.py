"""Medians of what is known."""

import numpy as np

from app.forecasting.history import Floats


def median_of_known(values: Floats) -> Floats:
    """The median of each row's finite values; NaN where it has none.

    It is ``np.nanmedian``, which imports masked arrays (as ``np.median`` and ``np.unique`` do): 15 ms and
    2 MB of every serving process, for a few medians of short rows.

    Args:
        values: (rows, values), of at least one value.

    Returns:
        (rows,)
    """
    known = np.isfinite(values)
    ordered = np.sort(np.where(known, values, np.nan), axis=1)  # NaN come last
    count, rows = known.sum(axis=1), np.arange(len(values))
    medians: Floats = (ordered[rows, np.maximum(count - 1, 0) // 2] + ordered[rows, count // 2]) / 2
    return medians
