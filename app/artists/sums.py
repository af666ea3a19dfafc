"""Tracks' forecasts in whole streams, and sums of them: whole, so that they add up exactly."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.forecasting.reconciliation import bottom_up
from app.forecasting.sum_intervals import combine_distances, correlation_of
from app.predict.schemas import DayForecast, Prediction

SHARE_DECIMALS = 6

Fields = dict[str, Any]


def build_track(track: Prediction) -> Fields:
    """What one track adds."""
    return {
        "track_id": track.track_id,
        "track_name": track.track_name,
        "observed_days": track.observed_days,
        "model": track.model,
        "forecasts": [_build_track_day(day) for day in track.forecasts],
    }


def _build_track_day(day: DayForecast) -> Fields:
    return {
        "target_date": day.target_date,
        "horizon": day.horizon,
        "streams": round(day.streams),
        "intervals": [
            {"level": i.level, "lower": round(i.lower), "upper": round(i.upper)} for i in day.intervals
        ],
        "baseline_streams": round(day.baseline_streams),
    }


def build_day(own: Sequence[Prediction], others: Sequence[Prediction], step: int) -> Fields:
    """One day of an artist: the sum of its tracks, its intervals, its share of the chart.

    Args:
        own: Forecasts of the artist's tracks, one at least.
        others: Of all other tracks on the chart.
        step: Days ahead less one.
    """
    days = [_build_track_day(track.forecasts[step]) for track in own]
    of_tracks = [day["streams"] for day in days] + [round(track.forecasts[step].streams) for track in others]
    sums = bottom_up(np.array(of_tracks, dtype=float), np.repeat([0, 1], [len(own), len(others)]))
    streams, chart = int(sums.artists[0]), int(sums.chart)
    return {
        "target_date": days[0]["target_date"],
        "horizon": step + 1,
        "streams": streams,
        "intervals": _combine(days, streams, step),
        "baseline_streams": sum(day["baseline_streams"] for day in days),
        "other_streams": chart - streams,
        "chart_streams": chart,
        "share": round(streams / chart, SHARE_DECIMALS) if chart else 0.0,
    }


def _combine(days: Sequence[Fields], streams: int, step: int) -> list[Fields]:
    """The intervals of the sum, from those of the tracks."""
    medians = np.array([day["streams"] for day in days], dtype=float)[:, None]
    bounds = [[(i["lower"], i["upper"]) for i in day["intervals"]] for day in days]
    distances = np.abs(np.array(bounds, dtype=float) - medians[:, :, None])  # (tracks, levels, 2)
    below, above = combine_distances(distances, correlation_of(step + 1)).T
    levels = [interval["level"] for interval in days[0]["intervals"]]
    return [
        {"level": level, "lower": max(0, round(streams - low)), "upper": round(streams + high)}
        for level, low, high in zip(levels, below.tolist(), above.tolist(), strict=True)
    ]
