"""Champion and challenger: train on what there is now, compare on the newest weeks, publish only what wins.

The published weights are exactly those that were compared: they have not learned from the newest weeks, and
the next refresh lets them. ``docs/refresh.md`` says how to put it on a timer.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from app.forecasting.bundle import Bundle
from training.bundles import find_served, publish, start_bundle
from training.comparison import HORIZONS, Comparison, compare
from training.evaluation import backtest_bundles
from training.fit import FitSettings
from training.panel import Panel
from training.recipes import Plan, fit_candidate
from training.warm_start import Warm, train_on

HELD_OUT_DAYS = 28
FEWEST_HELD_OUT_DAYS = 14  # fewer say nothing: two weeks are two blocks of the bootstrap
FEWEST_DAYS_BEFORE = 60  # of a region that is learned from
MOST_DAYS_BEHIND = 7  # of a region that is still charted
DAY = np.timedelta64(1, "D")


class NothingToCompareError(Exception):
    """There are no days on which challenger and champion can be compared; the message says why."""


@dataclass(frozen=True)
class Period:
    """What is learned from and what is held out.

    Attributes:
        panels: The regions that are learned from and scored.
        left_out: Region -> why it is not.
        first: The last day that is learned from, and the first cutoff that is scored.
        last: The last cutoff.
    """

    panels: Sequence[Panel]
    left_out: dict[str, str]
    first: np.datetime64
    last: np.datetime64


@dataclass(frozen=True)
class Outcome:
    """What came of one model's refresh.

    Attributes:
        name: Of the model.
        reason: What was decided and why.
        published: The new version's folder; None: the champion stays.
        comparison: None where there was nothing to compare.
        challenger: The challenger's training record; None where none was trained.
        left_out: Regions that were not looked at, and why.
    """

    name: str
    reason: str
    published: Path | None = None
    comparison: Comparison | None = None
    challenger: dict[str, Any] | None = None
    left_out: dict[str, str] | None = None


def refresh(
    name: str, panels: Sequence[Panel], models_dir: Path, shipped: Path, *, warm: Warm | None, seed: int = 1
) -> Outcome:
    """Train a challenger of one model, compare it with the champion, publish it if it wins.

    Args:
        name: lstm, gru or multi_input.
        panels: Charts, as they are now.
        models_dir: Where it is published; its newest version, or the one that ships, is the champion.
        shipped: The bundles that ship.
        warm: How to train on from the champion; None: from nothing, for as many epochs as the champion.
        seed: Of the fit.
    """
    champion = find_served([shipped, models_dir], name)
    try:
        period = choose_period(panels, None if champion is None else start_bundle(champion).bundle)
    except NothingToCompareError as error:
        return Outcome(name, f"{name}: nothing to compare, the champion stays: {error}")
    with tempfile.TemporaryDirectory() as scratch:
        candidate = Path(scratch) / name
        _train(name, champion, period, candidate, warm=warm, seed=seed)
        comparison = _compare(candidate, champion, period)
        outcome = Outcome(
            name=name,
            reason=f"{name}: {_verdict(comparison, champion)}: {comparison}",
            comparison=comparison,
            challenger=start_bundle(candidate).bundle.training,
            left_out=period.left_out,
        )
        if not comparison.is_won:
            return outcome
        return replace(outcome, published=_publish(candidate, champion, models_dir, period))


def choose_period(panels: Sequence[Panel], champion: Bundle | None) -> Period:
    """Hold out the newest four weeks, or what of them the champion has not seen.

    Raises:
        NothingToCompareError: that is too little, or no region has enough days.
    """
    newest = max(panel.days[-1] for panel in panels)
    current = [panel for panel in panels if newest - panel.days[-1] <= MOST_DAYS_BEHIND * DAY]
    end = min(panel.days[-1] for panel in current)
    seen = _seen_through(champion)
    first = max(end - HELD_OUT_DAYS * DAY, seen) if seen is not None else end - HELD_OUT_DAYS * DAY
    if (end - first).astype(int) < FEWEST_HELD_OUT_DAYS:
        raise NothingToCompareError(
            f"the champion has seen the days through {seen}, and the charts end on {end}: a comparison wants "
            f"{FEWEST_HELD_OUT_DAYS} days that neither has seen"
        )
    left_out = {
        panel.region: f"its charts end on {panel.days[-1]}" for panel in panels if panel not in current
    }
    long = [panel for panel in current if (first - panel.days[0]).astype(int) + 1 >= FEWEST_DAYS_BEFORE]
    left_out |= {p.region: f"its charts begin on {p.days[0]}" for p in current if p not in long}
    if not long:
        raise NothingToCompareError(
            f"no region has {FEWEST_DAYS_BEFORE} days of charts up to {first}, before the days held out"
        )
    return Period(long, left_out, first, end - DAY)


def _seen_through(champion: Bundle | None) -> np.datetime64 | None:
    if champion is None:
        return None
    chosen = champion.training.get("validated_through") or ""
    return np.datetime64(max(champion.trained_through, chosen), "D")


def _train(
    name: str, champion: Path | None, period: Period, folder: Path, *, warm: Warm | None, seed: int
) -> None:
    if warm is None or champion is None:
        epochs = (
            FitSettings.max_epochs if champion is None else start_bundle(champion).bundle.training["epochs"]
        )
        plan = Plan(name=name, train_through=period.first, epochs=epochs, settings=FitSettings(seed=seed))
        fit_candidate(plan, period.panels, folder)
    else:
        train_on(champion, period.panels, period.first, folder, warm=warm, seed=seed)


def _compare(candidate: Path, champion: Path | None, period: Period) -> Comparison:
    other = None if champion is None else start_bundle(champion).forecaster
    challenger = start_bundle(candidate).forecaster
    return compare(period.panels, challenger, other, first=period.first, last=period.last)


def _verdict(comparison: Comparison, champion: Path | None) -> str:
    against = "chart_weekday, as there is no champion," if champion is None else f"version {champion.name}"
    if comparison.is_won:
        return f"the challenger beats {against} by more than noise"
    if comparison.high < 1:
        return f"the challenger beats {against} on the next day, but not on the days after it"
    return f"the challenger does not beat {against} by more than noise"


def _publish(candidate: Path, champion: Path | None, models_dir: Path, period: Period) -> Path:
    figures = backtest_bundles(
        [candidate], period.panels, first=period.first, last=period.last, horizons=HORIZONS
    )
    served = 0 if champion is None else start_bundle(champion).bundle.version
    return publish(candidate, models_dir, figures, above=served)
