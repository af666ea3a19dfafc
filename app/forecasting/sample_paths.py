"""Sample paths of forecasts that are made in blocks: what each block adds to where the last one ended.

A path is drawn by a score a block, normal, that says where in the block's quantiles it lies. Scores are the
same for the same track, region and day, so that the same question has the same answer. They are independent
from block to block: docs/decisions/a-long-horizon-is-rolled.md says what was measured.

Source: McKay, Beckman and Conover, "A Comparison of Three Methods for Selecting Values of Input Variables",
Technometrics 21 (1979), for draws that are stratified: every part of a block's quantiles has its paths.
"""

from collections.abc import Sequence
from hashlib import blake2b
from statistics import NormalDist

import numpy as np

from app.forecasting.history import Floats

PATHS = 200
_STRATA = np.array([NormalDist().inv_cdf((i + 0.5) / PATHS) for i in range(PATHS)])


def draw_scores(region: str, as_of: str, track_ids: Sequence[str], n_blocks: int) -> Floats:
    """Normal scores of the paths of some tracks; a track's depend on no other that is asked for.

    Returns:
        (tracks, blocks, paths)
    """
    scores = np.empty((len(track_ids), n_blocks, PATHS))
    for row, track_id in enumerate(track_ids):
        seed = blake2b(f"{region}/{as_of}/{track_id}".encode(), digest_size=8).digest()
        random = np.random.Generator(np.random.PCG64(int.from_bytes(seed)))
        random.permuted(np.broadcast_to(_STRATA, (n_blocks, PATHS)), axis=1, out=scores[row])
    return scores


class SamplePaths:
    """Paths of some tracks, as far as they have been drawn.

    Args:
        scores: Of ``draw_scores``. (tracks, blocks, paths)
        levels: Quantile levels, rising, 0.5 among them.
    """

    def __init__(self, scores: Floats, levels: Sequence[float]) -> None:
        self._scores = scores
        self._knots = np.array([NormalDist().inv_cdf(level) for level in levels])
        self._ranks = np.clip(np.array(levels) * (PATHS + 1) - 1, 0, PATHS - 1)
        self._block = 0
        self._ends = np.zeros((len(scores), 1, PATHS))

    def add(self, gaps: Floats) -> Floats:
        """Draw another block.

        Args:
            gaps: Its quantiles less its median, in log streams, from where it begins. (tracks, days, levels)

        Returns:
            The paths' quantiles less the median of all blocks, on each of its days. (tracks, days, levels)
        """
        paths = self._ends + self.draw(gaps)
        self._ends = paths[:, -1:]
        self._block += 1
        return self._quantiles(np.sort(paths, axis=2))

    def draw(self, gaps: Floats) -> Floats:
        """A block's quantiles at its scores, on straight lines through the levels. (tracks, days, paths)

        One score serves all days of a block: what counts later is where the path leaves it.
        """
        scores, knots = self._scores[:, self._block], self._knots
        low = np.clip(np.searchsorted(knots, scores) - 1, 0, len(knots) - 2)
        weight = (scores - knots[low]) / (knots[low + 1] - knots[low])
        lower, upper = (np.take_along_axis(gaps, at[:, None], axis=2) for at in (low, low + 1))
        drawn: Floats = lower + weight[:, None] * (upper - lower)
        return drawn

    def _quantiles(self, ordered: Floats) -> Floats:
        low = self._ranks.astype(int)
        weight = self._ranks - low
        upper = ordered[:, :, np.minimum(low + 1, PATHS - 1)]
        found: Floats = (1 - weight) * ordered[:, :, low] + weight * upper
        return found
