"""What moved the whole chart of a region, and what its weekly rhythm says of the days ahead."""

from collections.abc import Mapping, Sequence

import numpy as np

WEEKS = 4  # the weeks that chart_weekday looks back on


def chart_ratio(later: Mapping[str, int], earlier: Mapping[str, int]) -> float | None:
    """The median ratio of streams from one day's chart to another's, over the tracks on both.

    A track with no streams on either day says nothing of a ratio and is left out.

    Args:
        later: Streams by track id on the later day.
        earlier: Streams by track id on the earlier day.

    Returns:
        The median (of an even count the mean of the middle two), or None where no track is on both.
    """
    ratios = [
        streams / earlier[track]
        for track, streams in later.items()
        if streams > 0 and earlier.get(track, 0) > 0
    ]
    return float(np.median(ratios)) if ratios else None


def chart_weekday(last_streams: float, weekly_ratios: Sequence[float | None]) -> float:
    """The baseline: the last value times the median of the same step's ratios in the last four weeks.

    Args:
        last_streams: Streams on the track's last observed day L.
        weekly_ratios: For each of the last ``WEEKS`` weeks k, ``chart_ratio`` from day L - 7k to the
            target day less 7k; None where either day has no chart. Such a week is skipped.
    """
    known = [ratio for ratio in weekly_ratios if ratio is not None]
    return last_streams * float(np.median(known)) if known else last_streams
