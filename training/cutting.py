"""Windows of many cutoffs: each day of a track is made once, in stretches, and windows are cut from them.

Windows of one track that end a day apart share all days but one. Made from histories of their own, each day
is made up to ``context_length`` times, with as many days again of lead-in.
"""

from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from app.forecasting.history import Ints
from app.forecasting.spec import ForecastSpec
from app.forecasting.track_covariates import LEAD_IN
from app.forecasting.windows import Windows, build_windows
from training.panel import Panel

SHORTEST = 64  # days of a stretch: longer ones make days that nobody asks for, shorter ones more lead-in


def build_windows_at(panel: Panel, tracks: Ints, cutoffs: Ints, spec: ForecastSpec) -> Windows:
    """What ``build_windows`` makes of histories of these tracks, to the bit.

    Args:
        panel: The charts.
        tracks: Rows of the panel. (cells,)
        cutoffs: Indices of days. (cells,)
        spec: Of the model.
    """
    places = _place(panel, tracks, cutoffs, spec.context_length)
    history = panel.history(places.tracks, places.ends, LEAD_IN + places.length)
    stretches = build_windows(history, panel.covariates, spec)
    starts, steps = places.starts, spec.context_length
    return Windows(
        covariates=_cut(stretches.covariates, starts, steps),
        static=stretches.static[starts // places.length],
        artist=_cut(stretches.artist, starts, steps),
        log_last=_cut(stretches.log_last, starts, steps),
        since_last=_cut(stretches.since_last, starts, steps),
        market=panel.covariates,
        market_rows=cutoffs,
        horizon=spec.horizon,
    )


class _Places(NamedTuple):
    """Stretches, and where the windows begin in them.

    Attributes:
        length: Days of a stretch.
        tracks: Of each stretch, those of a track one behind the other. (stretches,)
        ends: The last day of each. (stretches,)
        starts: The first day of each window, counted through all stretches. (cells,)
    """

    length: int
    tracks: Ints
    ends: Ints
    starts: Ints


def _place(panel: Panel, tracks: Ints, cutoffs: Ints, steps: int) -> _Places:
    """Lay stretches, counted back from the panel's last day, under all windows."""
    last = len(panel.days) - 1
    # So long that the first day's window lies in its day's own stretch: none may end before that day.
    length = next(n for n in count(max(SHORTEST, steps)) if last % n + steps <= n)
    most = last // length
    ends_in, begins_in = (most - (last - cutoffs + back) // length for back in (0, steps - 1))
    wanted = np.zeros((len(panel.track_ids), most + 1), dtype=bool)
    wanted[tracks, ends_in] = wanted[tracks, begins_in] = True
    of_tracks, numbers = np.nonzero(wanted)
    order = wanted.ravel().cumsum().reshape(wanted.shape) - 1
    into = length - 1 - (last - cutoffs + steps - 1) % length
    starts = order[tracks, begins_in] * length + into
    return _Places(length, of_tracks, last - length * (most - numbers), starts)


def _cut(stretches: NDArray[Any], starts: Ints, steps: int) -> NDArray[Any]:
    """``steps`` days from each start on. (stretches, days, …) -> (cells, steps, …)"""
    days = stretches.reshape(stretches.shape[0] * stretches.shape[1], *stretches.shape[2:])
    every = as_strided(
        days,
        shape=(max(len(days) - steps + 1, 0), steps, *days.shape[1:]),
        strides=(days.strides[0], *days.strides),
        writeable=False,
    )
    return every[starts]
