"""What goes wrong with charts: each trouble takes good rows of one region and spoils them."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

from tests.sample import LAST_DAY, Row, Sample

DAY = dt.timedelta(days=1)
DAYS = 42  # of good charts before the trouble
Trouble = Callable[[list[Row]], list[Row]]


def good_rows(sample: Sample) -> list[Row]:
    """The Philippine chart's last six weeks."""
    return sample.where(lambda row: row.region == "ph" and row.date > LAST_DAY - DAYS * DAY)


def hundredth(rows: list[Row]) -> str:
    """The track in the middle of the last chart."""
    last = max(row.date for row in rows)
    return next(row.track_id for row in rows if row.date == last and row.position == 100)


def spike_of_track(days_ago: int) -> Trouble:
    """One track has 20 times its streams on a day."""

    def spoil(rows: list[Row]) -> list[Row]:
        track, day = hundredth(rows), LAST_DAY - days_ago * DAY
        return [_times(row, 20) if (row.track_id, row.date) == (track, day) else row for row in rows]

    return spoil


def spike_of_chart(days_ago: int) -> Trouble:
    """All tracks have 20 times their streams on a day."""
    day = LAST_DAY - days_ago * DAY
    return lambda rows: [_times(row, 20) if row.date == day else row for row in rows]


def missing_days(first: int, last: int) -> Trouble:
    """There is no chart from ``first`` to ``last`` days ago."""
    return lambda rows: [row for row in rows if not last <= (LAST_DAY - row.date).days <= first]


def repeated_day(rows: list[Row]) -> list[Row]:
    """The last day's chart is the day before's once more."""
    before = [row for row in rows if row.date == LAST_DAY - DAY]
    return [row for row in rows if row.date < LAST_DAY] + [replace(row, date=LAST_DAY) for row in before]


def chart_of(places: int, *, on_the_last_day_alone: bool = False) -> Trouble:
    """A shorter chart, always or on the last day."""

    def spoil(rows: list[Row]) -> list[Row]:
        return [r for r in rows if r.position <= places or (on_the_last_day_alone and r.date < LAST_DAY)]

    return spoil


def only_the_last(days: int) -> Trouble:
    """A region that has just begun to be charted."""
    return lambda rows: [row for row in rows if row.date > LAST_DAY - days * DAY]


def smallest_of(streams: int) -> Trouble:
    """The last row of the last chart has hardly any streams."""

    def spoil(rows: list[Row]) -> list[Row]:
        return [
            replace(row, streams=streams) if row.date == LAST_DAY and row.position == 200 else row
            for row in rows
        ]

    return spoil


def no_streams_below(position: int) -> Trouble:
    """The lower part of the chart has had no streams for ten days."""

    def spoil(rows: list[Row]) -> list[Row]:
        first = LAST_DAY - 9 * DAY
        return [replace(r, streams=0) if r.date >= first and r.position > position else r for r in rows]

    return spoil


def no_streams_at_all(rows: list[Row]) -> list[Row]:
    """Nobody streamed anything on the last day."""
    return [replace(row, streams=0) if row.date == LAST_DAY else row for row in rows]


def one_track(rows: list[Row]) -> list[Row]:
    """The chart has one place."""
    track = hundredth(rows)
    return [replace(row, position=1) for row in rows if row.track_id == track]


def hardly_any_streams(rows: list[Row]) -> list[Row]:
    """A chart with 1 to 6 streams a track."""
    most = max(row.streams for row in rows)
    return [replace(row, streams=1 + 5 * row.streams // most) for row in rows]


TROUBLES: dict[str, Trouble] = {
    "a track's spike of 20 x on the last day": spike_of_track(0),
    "a track's spike of 20 x three days ago": spike_of_track(3),
    "the chart's spike of 20 x on the last day": spike_of_chart(0),
    "the chart's spike of 20 x three days ago": spike_of_chart(3),
    "a missing week": missing_days(8, 2),
    "three missing weeks, and then a day": missing_days(21, 1),
    "a repeated day": repeated_day,
    "a chart of 50": chart_of(50),
    "a chart of 50 after charts of 200": chart_of(50, on_the_last_day_alone=True),
    "30 days": only_the_last(30),
    "2 days": only_the_last(2),
    "1 day": only_the_last(1),
    "a row with no streams": smallest_of(0),
    "a row with one stream": smallest_of(1),
    "fifty rows with no streams": no_streams_below(150),
    "no streams at all": no_streams_at_all,
    "one track": one_track,
    "hardly any streams": hardly_any_streams,
}


def _times(row: Row, factor: int) -> Row:
    return replace(row, streams=factor * row.streams)
