"""Whether a track will be on the chart, in its top 50, and at which rank: a row of numbers and what it says.

One builder of rows, for training and for serving. A row is made from its cutoff's day and earlier ones, and
from calendar facts of the days after. Nothing in it is a number of streams or tells the region: what streams
say, they say against the day's own chart.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Floats, History, Ints, day_numbers
from app.forecasting.market import WEEKS
from app.forecasting.market_covariates import HORIZON, MarketCovariates
from app.forecasting.medians import median_of_known
from app.forecasting.spec import ForecastSpec
from app.forecasting.track_covariates import LEAD_IN
from app.forecasting.windows import build_windows

NAME = "presence"
CHART, TOP = 200, 50  # the ranks that count as on the chart, and as in its top
GRID_LENGTH = LEAD_IN + 1  # days of history that a row reads, the cutoff the last of them
MOST_OFF = LEAD_IN  # days since a track was last observed: of a longer absence a row knows nothing
CHART_DAYS = HORIZON + 1  # charts that ``build_chart_state`` reads, the cutoff's the last of them

SPEC = replace(ForecastSpec(context_length=1).with_metadata(), static_covariates=())
LINES = (10, 25, 50, 75, 100, 125, 150, 175, 190)  # ranks whose streams tell the shape of a chart
SLOPES = (1, 3, 7, 14)
SPANS = (7, 14, 28)
NEAR, NEAR_RANKS = 0.2, 10  # log streams and ranks: how near to a line it is uncertain who will be over it
# One bad row must not move the whole chart; what a real chart does is at most 45 and 90% of these.
LARGEST_END = 0.18  # log streams from the place at 95% of a chart to its last
LARGEST_STEP = 0.35  # log streams from a day's last place to the median of its week's
LARGEST_MARGIN = 6.0  # log streams: 400 times the streams of the chart's last place
LARGEST = 20.0  # of any number of a row: one bad chart must not send the answer far off
_AHEAD = range(1, HORIZON + 1)

CHART_STATE = (
    *(f"line_{rank}" for rank in LINES),
    "entered",
    *(f"left_{step}" for step in _AHEAD),
    *(f"top_line_moved_{step}" for step in _AHEAD),
)
INPUTS = (
    *SPEC.covariates,
    *SPEC.artist_covariates,
    "rank",
    "best_rank",
    *(f"rank_change_{days}" for days in (1, 7)),
    *(f"margin_change_{days}" for days in SLOPES),
    *(f"change_known_{days}" for days in SLOPES),
    *(f"seen_{days}" for days in SPANS),
    *(f"lowest_{days}" for days in SPANS),
    *(f"spread_{days}" for days in SPANS[:2]),
    "entries",
    "threshold_change_1",
    "threshold_change_7",
    *(f"ahead_{step}" for step in _AHEAD),
    *(f"edge_ahead_{step}" for step in _AHEAD),
    *(f"top_ahead_{step}" for step in _AHEAD),
    "rank_over_top",
    *(f"threshold_ahead_{step}" for step in _AHEAD),
    *(f"weeks_seen_{step}" for step in _AHEAD),
    *(f"last_week_{step}" for step in _AHEAD),
    *CHART_STATE,
)
OUTPUTS = (
    *(f"chart_{step}" for step in _AHEAD),
    "chart_week",
    *(f"top50_{step}" for step in _AHEAD),
    *(f"rank_{step}" for step in _AHEAD),
)
_RANK_INPUT = INPUTS.index("rank")


@dataclass(frozen=True)
class Presence:
    """Where some tracks will be on the days after their cutoffs.

    Attributes:
        chart: The probability of being on the chart. (tracks, 7)
        week: Of being on it on any of those days. (tracks,)
        top50: Of being in its top 50, never above ``chart``. (tracks, 7)
        rank: The median of the rank, if the track charts; 1 to 200. (tracks, 7)
    """

    chart: Floats
    week: Floats
    top50: Floats
    rank: Floats


def read_outputs(rows: NDArray[np.float32], outputs: NDArray[np.float32]) -> Presence:
    """What the answers of the model mean.

    Args:
        rows: What it was run on. (tracks, ``INPUTS``)
        outputs: Probabilities of charting, then those of being in the top 50 if so; then how far the
            scaled rank moves. (tracks, ``OUTPUTS``)
    """
    answers = outputs.astype(float)
    chart, week, top, moved = np.split(answers, [HORIZON, HORIZON + 1, 2 * HORIZON + 1], axis=1)
    return Presence(
        chart=chart,
        week=week[:, 0],
        top50=chart * top,
        rank=_agree(unscale_ranks(rows[:, _RANK_INPUT : _RANK_INPUT + 1] + moved), top),
    )


def _agree(ranks: Floats, top: Floats) -> Floats:
    """Medians on the side of the top's last place that the probabilities of being in it say."""
    return np.where(top > 0.5, np.minimum(ranks, TOP), np.maximum(ranks, TOP + 0.5))


def scale_ranks(ranks: Floats) -> Floats:
    """Log odds of a rank among 200: steps near the top count for more than those at the end."""
    share = (np.clip(ranks, 1, CHART) - 0.5) / CHART
    scaled: Floats = np.log(share / (1 - share))
    return scaled


def unscale_ranks(scaled: Floats) -> Floats:
    """The ranks, 1 to 200, that ``scale_ranks`` scaled."""
    share = 1 / (1 + np.exp(-np.clip(scaled, -30, 30)))
    ranks: Floats = np.clip(share * CHART + 0.5, 1, CHART)
    return ranks


def build_chart_state(streams: Floats) -> Floats:
    """What a day's chart and the week before it are like.

    Args:
        streams: Of every track on one of the last ``CHART_DAYS`` charts, NaN where it did not chart; a day
            without a chart is NaN throughout. (tracks, ``CHART_DAYS``)

    Returns:
        Log streams at some ranks less those of the last place, the share of the chart that was not on it
        the day before, the shares of the chart a week ago that were off it 1 to 7 days later, and how the
        log streams of rank 50 had moved by then. (``CHART_STATE``,)
    """
    charting = np.isfinite(streams)
    count = charting.sum(axis=0)
    lines = [_lines(streams[charting[:, day], day]) for day in range(CHART_DAYS)]
    at_top = np.array([line[LINES.index(TOP)] for line in lines])
    shape = np.where(count[-1] > 0, lines[-1][:-1] - lines[-1][-1], 0.0)
    stayed = (charting[:, -1] & charting[:, -2]).sum()
    entered = 1 - stayed / count[-1] if count[-1] and count[-2] else 0.0
    still = (charting[:, :1] & charting[:, 1:]).sum(axis=0)
    left = np.where((count[0] > 0) & (count[1:] > 0), 1 - still / max(count[0], 1), 0.0)
    moved = np.where((count[0] > 0) & (count[1:] > 0), at_top[1:] - at_top[0], 0.0)
    return np.concatenate([shape, [entered], left, moved])


def _lines(streams: Floats) -> Floats:
    """Log streams at the ranks ``LINES`` and at the last of a chart; 0 where there is none."""
    if not len(streams):
        return np.zeros(len(LINES) + 1)
    ordered = np.sort(np.log(np.maximum(streams, 1.0)))[::-1]
    near_end = ordered[-(-95 * len(ordered) // 100) - 1]
    last = max(ordered[-1], near_end - LARGEST_END)
    return np.append(np.maximum(ordered[np.minimum(LINES, len(ordered)) - 1], last), last)


def build_rows(history: History, market: MarketCovariates, state: Floats) -> NDArray[np.float32]:
    """Make the rows of some tracks of one region.

    Args:
        history: Grids of ``GRID_LENGTH`` days, each track observed within them.
        market: The region's shared channels, up to the latest cutoff at least.
        state: ``build_chart_state`` of each cutoff, or of the one that all share.
            (tracks or 1, ``CHART_STATE``)

    Returns:
        (tracks, ``INPUTS``)
    """
    market = replace(market, log_threshold=_hold(market.log_threshold))
    windows = build_windows(history, market, SPEC)
    today = day_numbers(history.cutoffs) - market.first_day_number
    days = today[:, None] - np.arange(GRID_LENGTH)[::-1]
    margins = np.log(np.maximum(history.streams, 1.0)) - market.log_threshold[np.maximum(days, 0)]
    np.minimum(margins, LARGEST_MARGIN, out=margins)
    threshold = _threshold_ahead(market.log_threshold, today)
    last = np.where(np.isfinite(windows.log_last), windows.log_last - market.log_threshold[today, None], 0.0)
    ahead = last + windows.last_base - threshold
    over_top = last - state[:, LINES.index(TOP), None]
    columns = (
        windows.covariates[:, -1],
        windows.artist[:, -1],
        _ranks(history.positions),
        _margins(margins),
        _threshold_changes(market.log_threshold, today),
        ahead,
        np.tanh(ahead / NEAR),
        np.tanh((over_top + windows.last_base - state[:, -HORIZON:]) / NEAR),
        np.tanh((_last(history.positions)[:, None] - TOP - 0.5) / NEAR_RANKS),
        threshold,
        _weeks(margins),
        np.broadcast_to(state, (len(history), len(CHART_STATE))),
    )
    rows: NDArray[np.float32] = np.concatenate(columns, axis=1).astype(np.float32)
    return np.clip(rows, -LARGEST, LARGEST, out=rows)


def _hold(log_threshold: Floats) -> Floats:
    """Each day's threshold, held near the median of the week that it ends. (days,)"""
    week = np.stack([np.append(np.full(k, np.nan), log_threshold)[: len(log_threshold)] for k in range(7)], 1)
    middle = median_of_known(week)
    held: Floats = np.clip(log_threshold, middle - LARGEST_STEP, middle + LARGEST_STEP)
    return held


def _last(values: Floats) -> Floats:
    """The last known value of each grid; 0 where there is none. (tracks,)"""
    known = np.isfinite(values)
    latest = GRID_LENGTH - 1 - known[:, ::-1].argmax(axis=1)
    found = values[np.arange(len(values)), latest]
    return np.where(known.any(axis=1), found, 0.0)


def _ranks(positions: Floats) -> Floats:
    """The last rank, the best one, and how it changed: scaled. (tracks, 4)"""
    scaled = scale_ranks(positions)
    changes = [scaled[:, -1] - scaled[:, -1 - days] for days in (1, 7)]
    best = np.fmin.reduce(scaled, axis=1)
    columns = np.stack([_last(scaled), best, *changes], axis=1)
    return np.where(np.isfinite(columns), columns, 0.0)


def _margins(margins: Floats) -> Floats:
    """How the log streams moved against the threshold, and where they were on the days behind."""
    changes = np.stack([(margins[:, -1] - margins[:, -1 - days]) for days in SLOPES], axis=1)
    known = np.isfinite(changes)
    changes = np.where(known, changes / np.array(SLOPES), 0.0)
    seen = np.isfinite(margins)
    counts = [seen[:, -days:].mean(axis=1) for days in SPANS]
    lowest = [np.fmin.reduce(margins[:, -days:], axis=1) for days in SPANS]
    spreads = [_spread(margins[:, -days:]) for days in SPANS[:2]]
    entries = (seen[:, 1:] & ~seen[:, :-1]).sum(axis=1) / 4
    filled = [np.where(np.isfinite(column), column, 0.0) for column in (*lowest, *spreads)]
    return np.column_stack([changes, known, *counts, *filled, entries])


def _spread(margins: Floats) -> Floats:
    """The root mean square of the known moves from day to day; 0 where there is none. (tracks,)"""
    moves = np.diff(margins, axis=1)
    known = np.isfinite(moves)
    squares = np.where(known, moves, 0.0) ** 2
    spread: Floats = np.sqrt(squares.sum(axis=1) / np.maximum(known.sum(axis=1), 1))
    return spread


def _threshold_changes(log_threshold: Floats, today: Ints) -> Floats:
    """How the threshold moved since yesterday and since the same day last week. (tracks, 2)"""
    before = np.maximum(today[:, None] - np.array([1, 7]), 0)
    changes: Floats = log_threshold[today][:, None] - log_threshold[before]
    return changes


def _threshold_ahead(log_threshold: Floats, today: Ints) -> Floats:
    """How the threshold moves from today to each day ahead, by the last weeks: log. (tracks, 7)"""
    start = today[:, None, None] - 7 * np.arange(1, WEEKS + 1)
    end = start + np.arange(1, HORIZON + 1)[:, None]
    moves = log_threshold[np.maximum(end, 0)] - log_threshold[np.maximum(start, 0)]
    moves = np.where(start >= 0, moves, np.nan)
    medians = median_of_known(moves.reshape(-1, WEEKS)).reshape(len(today), HORIZON)
    return np.where(np.isfinite(medians), medians, 0.0)


def _weeks(margins: Floats) -> Floats:
    """On how many of the last weeks' same days the track charted, and its moves to them last week."""
    steps = np.arange(1, HORIZON + 1)
    same_days = GRID_LENGTH - 1 + steps - 7 * np.arange(1, WEEKS + 1)[:, None]  # (weeks, steps)
    seen = np.isfinite(margins)[:, same_days].mean(axis=1)
    moves = margins[:, same_days[0]] - margins[:, -1 - 7 : -7]
    return np.concatenate([seen, np.where(np.isfinite(moves), moves, 0.0)], axis=1)
