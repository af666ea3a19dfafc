"""Tracks of the sample's Philippine chart that tests want, by what they are on its last day."""

from tests.sample import LAST_DAY, Sample, tracks_with_metadata


def charting(sample: Sample, *, with_metadata: bool = True) -> str:
    """A track on the last chart with a history longer than all that models see."""
    known = tracks_with_metadata()
    return next(
        track_id
        for track_id in sorted(sample.chart("ph", LAST_DAY))
        if (track_id in known) == with_metadata and len(sample.days_of("ph", track_id)) > 60
    )


def debut(sample: Sample) -> str:
    """A track whose first day is the last chart's."""
    chart = sample.chart("ph", LAST_DAY)
    return next(track_id for track_id in sorted(chart) if len(sample.days_of("ph", track_id)) == 1)


def off_the_chart(sample: Sample) -> str:
    """A track that left the chart 10 to 25 days ago, after a while on it."""
    return _left(sample, 10, 25)


def gone(sample: Sample) -> str:
    """A track that left the chart 29 to 50 days ago."""
    return _left(sample, 29, 50)


def _left(sample: Sample, fewest: int, most: int) -> str:
    return next(
        track_id
        for track_id, rows in sorted(sample.by_track["ph"].items())
        if fewest <= (LAST_DAY - rows[-1].date).days <= most and len(rows) > 20
    )


def new_without_metadata(sample: Sample) -> str:
    """A track on the last chart that metadata could still say something of, and for which there are none."""
    known = tracks_with_metadata()
    return next(
        track_id
        for track_id in sorted(sample.chart("ph", LAST_DAY))
        if track_id not in known and len(sample.days_of("ph", track_id)) < 28
    )
