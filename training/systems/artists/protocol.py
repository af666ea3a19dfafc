"""The backtest: on each fold the levels forecast, made coherent, and held to what came.

Of a fold's validation the first half measures how errors vary and go together, the second chooses; for the
test they are measured anew on both. Every ``EVERY``-th day is a cutoff: each weekday has its turn.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from app.forecasting.forecaster import Forecaster
from training.backtest import BASELINES
from training.bootstrap import bootstrap_ratio
from training.bundles import start_bundle
from training.fit import FitSettings
from training.folds import Fold
from training.panel import Panel
from training.recipes import Plan, fit_candidate
from training.systems.artists.cells import TRACK_MODEL, Cells, build_fold_cells, first_calibrated
from training.systems.artists.covariance import fit_errors
from training.systems.artists.intervals import add_distances, fit_correlations, summarise_coverage
from training.systems.artists.reconcile import WAYS, add_reconciled
from training.systems.artists.report import to_markdown
from training.systems.artists.trend import TrendSettings, fit_trend

EVERY = 3  # days from one cutoff to the next
SHOWN = (1, 3, 7)  # days ahead
FIGURES, TABLES, TREND = "artists.json", "artists.md", "trend.keras"
METHODS = (*BASELINES, "base", *WAYS)
SERVED = "bottom_up"


class InSampleError(Exception):
    """A bundle that learned from days after its fold's training."""


@dataclass(frozen=True)
class ArtistContest:
    """How what takes part is fitted, where it is not at hand."""

    fit: FitSettings = field(default_factory=FitSettings)
    trend: TrendSettings = field(default_factory=TrendSettings)


@dataclass(frozen=True)
class FoldResult:
    """What a fold gives to the figures.

    Attributes:
        chosen_on: Cells of the second half of its validation, with every way.
        test: Cells of its test, with every way.
        calibrated: Artists' distances on the validation, where intervals are calibrated.
        intervals: The same of the test.
        whole: What became of whole artists in the test.
    """

    chosen_on: Cells
    test: Cells
    calibrated: pd.DataFrame
    intervals: pd.DataFrame
    whole: pd.DataFrame


def run_artists(
    contest: ArtistContest,
    folds: Sequence[Fold],
    panel: Panel,
    folder: Path,
    bundles: Mapping[str, Path] | None = None,
) -> dict[str, Any]:
    """Fit and score on all folds, and write the figures to ``folder`` as JSON and as Markdown.

    Args:
        contest: How to fit.
        folds: The periods.
        panel: The charts of one region.
        folder: Of what is fitted and found; what is there is not fitted again.
        bundles: By fold, the bundle that forecasts tracks; those left out are fitted.

    Raises:
        InSampleError: a bundle learned from later days than its fold's.
        ValueError: the charts do not hold a period.
    """
    results = {}
    for fold in folds:
        of_fold = folder / f"fold-{fold.name}"
        of_fold.mkdir(parents=True, exist_ok=True)
        tracks = _start_tracks(contest, fold, panel, (bundles or {}).get(fold.name, of_fold / TRACK_MODEL))
        trend = _start_trend(contest, fold, panel, of_fold / TREND)
        print(f"fold {fold.name}: scoring", flush=True)
        results[fold.name] = score_fold(fold, panel, tracks, trend)
    result = {"region": panel.region, "cutoffs": _describe(folds), **summarise_folds(results)}
    (folder / FIGURES).write_text(json.dumps(result, indent=2) + "\n")
    (folder / TABLES).write_text(to_markdown(result) + "\n")
    return result


def _describe(folds: Sequence[Fold]) -> dict[str, Any]:
    return {fold.name: {"first": str(fold.first), "last": str(fold.last), "every": EVERY} for fold in folds}


def _start_tracks(contest: ArtistContest, fold: Fold, panel: Panel, bundle: Path) -> Forecaster:
    if not bundle.exists():
        print(f"fold {fold.name}: fitting {TRACK_MODEL}", flush=True)
        plan = Plan(TRACK_MODEL, fold.train_through, fold.validate_through, settings=contest.fit)
        fit_candidate(plan, [panel.until(fold.first)], bundle)
    model = start_bundle(bundle)
    seen = model.bundle.trained_through, model.bundle.training["validated_through"] or ""
    if seen[0] > str(fold.train_through) or seen[1] > str(fold.validate_through):
        raise InSampleError(
            f"{bundle} trained through {seen[0]} and validated through {seen[1]}; fold {fold.name} wants "
            f"{fold.train_through} and {fold.validate_through} at most: name a bundle of the fold"
        )
    return model.forecaster


def _start_trend(contest: ArtistContest, fold: Fold, panel: Panel, path: Path) -> keras.Model:
    if path.exists():
        return keras.models.load_model(path)
    print(f"fold {fold.name}: fitting the plain LSTM of artists", flush=True)
    model = fit_trend(
        [panel.until(fold.first)],
        train_through=fold.train_through,
        validate_through=fold.validate_through,
        settings=contest.trend,
    )
    model.save(path)
    return model


def score_fold(fold: Fold, panel: Panel, tracks: Forecaster, trend: keras.Model) -> FoldResult:
    """Forecast a fold's validation and test, make them coherent, and keep what the figures want."""
    cells, whole = build_fold_cells(panel, fold, tracks, trend)
    begin, end = fold.validation_cutoffs
    # Errors of a week ahead must be known when they are gone by: so much before what they are used on.
    before, gap = np.timedelta64(1, "D"), np.timedelta64(7, "D")
    middle = begin + (end - begin) // 2
    first_half = _thin(cells.where_date(begin, middle - gap))
    second_half = _thin(cells.where_date(middle, end))
    validation = _thin(cells.where_date(begin, fold.first - gap))
    test = _thin(cells.where_date(fold.first, fold.last))
    calibrated = cells.where_date(first_calibrated(fold), fold.first - gap - before)
    return FoldResult(
        chosen_on=add_reconciled(second_half, fit_errors(first_half)),
        test=add_reconciled(test, fit_errors(validation)),
        calibrated=add_distances(calibrated),
        intervals=add_distances(test),
        whole=whole[whole["date"] >= fold.first],
    )


def _thin(cells: Cells) -> Cells:
    return Cells(*(of[of["cutoff"] % EVERY == 0].reset_index(drop=True) for of in cells.levels.values()))


def summarise_folds(results: Mapping[str, FoldResult]) -> dict[str, Any]:
    """All figures.

    Returns:
        chosen_on and test, by fold and pooled (``all``): MAE and its ratio to naive's, by level, days ahead
        and method; against_served: artists' MAE by each way over bottom-up's, with intervals, all days ahead
        together; correlations: by fold and pooled; coverage on test by days ahead; whole: ``_whole``.
    """
    of = {name: (result.chosen_on, result.test) for name, result in results.items()}
    pooled = [_pool([cells[i] for cells in of.values()]) for i in (0, 1)]
    correlations = {name: fit_correlations(result.calibrated) for name, result in results.items()}
    of_all = pd.concat([result.calibrated for result in results.values()])
    intervals = pd.concat(
        [result.intervals.assign(fold=name) for name, result in results.items()], ignore_index=True
    )
    return {
        period: {name: _errors(cells[i]) for name, cells in of.items()} | {"all": _errors(pooled[i])}
        for i, period in enumerate(("chosen_on", "test"))
    } | {
        "against_served": {
            period: {way: _against(pooled[i].artists, way) for way in (*WAYS, "base") if way != SERVED}
            for i, period in enumerate(("chosen_on", "test"))
        },
        "correlations": correlations | {"all": fit_correlations(of_all)},
        "coverage": _coverage(intervals, correlations),
        "whole": _whole(pd.concat([result.whole for result in results.values()])),
    }


def _pool(parts: Sequence[Cells]) -> Cells:
    return Cells(
        *(
            pd.concat(levels, ignore_index=True)
            for levels in zip(*(p.levels.values() for p in parts), strict=True)
        )
    )


def _errors(cells: Cells) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for level, of in cells.levels.items():
        figures[level] = {}
        for horizon in [*SHOWN, "all"]:
            of_horizon = of if horizon == "all" else of[of["horizon"] == horizon]
            mae = {m: float((of_horizon[m] - of_horizon["actual"]).abs().mean()) for m in METHODS}
            figures[level][str(horizon)] = {"cells": len(of_horizon)} | {
                m: {"mae": mae[m], "to_naive": mae[m] / mae["naive"]} for m in METHODS
            }
    return figures


def _against(artists: pd.DataFrame, way: str) -> dict[str, float]:
    return bootstrap_ratio(artists, way, SERVED)._asdict()


def _coverage(intervals: pd.DataFrame, correlations: Mapping[str, Mapping[int, float]]) -> dict[str, Any]:
    """By days ahead, each fold's cells by the correlations that its own validation found."""
    found = {}
    for horizon in [*SHOWN, "all"]:
        of = intervals if horizon == "all" else intervals[intervals["horizon"] == horizon]
        estimated = [correlations[f].get(h, 0.0) for f, h in zip(of["fold"], of["horizon"], strict=True)]
        found[str(horizon)] = summarise_coverage(of, np.array(estimated))
    return found


def _whole(whole: pd.DataFrame) -> dict[str, Any]:
    """The served sum as a forecast of what it is not: of streams of stayers alone, and of the whole artist.

    Returns:
        By days ahead: cells; gone, the percentage of artists none of whose tracks still charts; and for each
        target (stayed, whole) the percentage that the sum is off in total, and its MAE over naive's.
    """
    figures = {}
    for horizon in SHOWN:
        of = whole[whole["horizon"] == horizon]
        figures[str(horizon)] = {"cells": len(of), "gone": float(100 * (of["whole"] == 0).mean())} | {
            target: {
                "bias": float(100 * (of["forecast"].sum() / of[target].sum() - 1)),
                "to_naive": float(
                    (of["forecast"] - of[target]).abs().mean() / (of["naive"] - of[target]).abs().mean()
                ),
            }
            for target in ("stayed", "whole")
        }
    return figures
