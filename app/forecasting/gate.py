"""Whether a model's own past in a region speaks for it, or for the chart_weekday baseline."""

from dataclasses import dataclass

import numpy as np

from app.forecasting.baseline_intervals import SCORED_DAYS
from app.forecasting.history import Floats

# A model that turns bad costs until the gate sees it, and the mean of 60 days sees it late. A week is the
# shortest stretch that has every weekday in it.
RECENT_DAYS = 7


@dataclass(frozen=True)
class Verdict:
    """What the past says of a model.

    Attributes:
        days: The stretch that decided: ``SCORED_DAYS`` or ``RECENT_DAYS``.
        scored_days: How many days of it are the region's own; the others are filled in.
        ratio: The model's next-day error over ``chart_weekday``'s in it; NaN where nothing is known.
        trusted: Whether the model may answer.
    """

    days: int
    scored_days: int
    ratio: float
    trusted: bool


def judge(errors: Floats, prior_ratio: float) -> Verdict:
    """Trust a model that was no worse than ``chart_weekday`` over the last 60 days and over the last 7.

    Args:
        errors: Absolute next-day errors of the model and of ``chart_weekday``, summed up by day, of
            the region's last scored days, by day. (days, 2)
        prior_ratio: Fills the days that lack: the same ratio elsewhere; not finite where unknown.
    """
    long, recent = (_judge(errors, prior_ratio, days) for days in (SCORED_DAYS, RECENT_DAYS))
    return long if not long.trusted or recent.trusted else recent


def _judge(errors: Floats, prior_ratio: float, days: int) -> Verdict:
    own = errors[-days:]
    ratio = _ratio(own)
    if np.isfinite(prior_ratio):
        share = len(own) / days
        ratio = prior_ratio if np.isnan(ratio) else share * ratio + (1 - share) * prior_ratio
    return Verdict(days, len(own), ratio, trusted=not ratio > 1)


def _ratio(errors: Floats) -> float:
    model, baseline = errors.sum(axis=0)
    if baseline > 0:
        return float(model / baseline)
    return float("nan") if model == 0 else float("inf")
