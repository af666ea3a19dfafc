"""Goal 7: the making of windows, in bytes of model input a second, over a plain gather of as many."""

from collections.abc import Callable
from time import perf_counter

import numpy as np

from app.forecasting.spec import ForecastSpec
from tests.panels import build_long_panel
from training.cutting import build_windows_at


def build_gathers(count: int) -> dict[str, Callable[[], float]]:
    """Measures of ``count`` windows at once, both ways."""
    spec, panel = ForecastSpec(), build_long_panel()
    random = np.random.default_rng(1)
    tracks = random.integers(0, len(panel.track_ids), count)
    cutoffs = random.integers(0, len(panel.days), count)  # 4 a day of a track, as a million of the real chart
    rows = np.maximum(cutoffs[:, None] - np.arange(spec.context_length)[::-1], 0)
    table = random.random((len(panel.track_ids), len(panel.days), len(spec.covariates)), dtype=np.float32)
    size = count * spec.context_length * len(spec.covariates) * table.itemsize

    def windows() -> None:
        build_windows_at(panel, tracks, cutoffs, spec)

    def gather() -> None:
        table[tracks[:, None], rows]

    windows()  # the panel's own channels are made once
    return {"windows": lambda: size / time_call(windows), "gather": lambda: size / time_call(gather)}


def time_call(call: Callable[[], None]) -> float:
    """Seconds of one call."""
    begin = perf_counter()
    call()
    return perf_counter() - begin
