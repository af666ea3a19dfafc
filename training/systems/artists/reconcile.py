"""All ways to make the levels agree, put on the cells of all levels."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from app.forecasting.calibration import find_groups
from app.forecasting.history import Floats, Ints
from app.forecasting.reconciliation import Levels, bottom_up, min_trace, shrink, top_down
from training.systems.artists.cells import BLOCK, Cells
from training.systems.artists.covariance import Block, ErrorModel, find_kinds

SHARES = (1.0, 0.75, 0.5)  # of shrinkage: 1 is WLS


def mint_label(share: float) -> str:
    """The name of minimum trace with its covariance shrunk by ``share``."""
    return "wls" if share == 1 else f"mint {share:g}"


WAYS = ("bottom_up", "top_down", *(mint_label(share) for share in SHARES))


def add_reconciled(cells: Cells, errors: Mapping[int, ErrorModel]) -> Cells:
    """Add a column a way, at each level.

    Args:
        cells: Of a period after the one that ``errors`` were measured on.
        errors: By horizon.
    """
    found: dict[str, list[list[Floats]]] = {way: [[], [], []] for way in WAYS}
    for horizon, block in _blocks(cells):
        for way, levels in reconcile(block, errors[horizon]).items():
            for kept, values in zip(found[way], (levels.tracks, levels.artists, [levels.chart]), strict=True):
                kept.append(np.asarray(values))
    parts = [
        of.assign(**{way: np.concatenate(found[way][i]) for way in WAYS})
        for i, of in enumerate(cells.levels.values())
    ]
    return Cells(*parts)


def reconcile(block: Block, errors: ErrorModel) -> dict[str, Levels]:
    """A day's forecasts, made coherent in every way."""
    base = Levels(block.chart, block.artists, block.tracks)
    covariance = errors.covariance(block)
    ways = {
        "bottom_up": bottom_up(block.tracks, block.artist_of),
        "top_down": top_down(block.chart, block.tracks, block.artist_of),
    }
    for share in SHARES:
        ways[mint_label(share)] = min_trace(base, block.artist_of, shrink(covariance, share))
    return ways


def _blocks(cells: Cells) -> Iterator[tuple[int, Block]]:
    """Every day ahead of every cutoff, with its horizon, in the order of the cells."""
    tracks, artists, charts = cells.tracks, cells.artists, cells.charts
    track_ends, artist_ends = (_ends(of, charts) for of in (tracks, artists))
    columns = (
        artists["base"].to_numpy(dtype=float),
        tracks["base"].to_numpy(dtype=float),
        tracks["artist"].to_numpy(),
        find_groups(tracks["observed_days"].to_numpy()),
        find_kinds(artists["tracks"].to_numpy()),
    )
    horizons, totals = charts["horizon"].to_numpy(), charts["base"].to_numpy(dtype=float)
    for i, horizon in enumerate(horizons):
        t = slice(track_ends[i], track_ends[i + 1])
        a = slice(artist_ends[i], artist_ends[i + 1])
        artist_of = np.unique(columns[2][t], return_inverse=True)[1]
        yield (
            int(horizon),
            Block(float(totals[i]), columns[0][a], columns[1][t], artist_of, columns[3][t], columns[4][a]),
        )


def _ends(of: pd.DataFrame, charts: pd.DataFrame) -> Ints:
    """Where each block begins among the rows, and the end of the last. (blocks + 1,)"""
    sizes = of.groupby(BLOCK).size().reindex(pd.MultiIndex.from_frame(charts[BLOCK]))
    return np.concatenate([[0], sizes.to_numpy().cumsum()]).astype(np.int64)
