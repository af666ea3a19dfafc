"""The figures of the long range, by days ahead and by week, and as Markdown."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from training.backtest import BASELINES
from training.bootstrap import bootstrap_ratio
from training.report import LEVELS, summarise, to_table
from training.systems.long_range.cells import AVERAGES, HELD, HORIZONS, MODEL

METHODS = [*(f"average {n}" for n in AVERAGES), HELD, MODEL]
COMPARED_WITH = (*BASELINES, *METHODS[:-1])
WEEKS = {"1 to 7": (1, 7), "8 to 14": (8, 14), "15 to 21": (15, 21), "22 to 28": (22, 28), "8 to 28": (8, 28)}


def summarise_long(cells: pd.DataFrame) -> dict[str, Any]:
    """Figures of cells with their forecasts and folds.

    Returns:
        cutoffs (how many); by_day and by_week: as ``summarise`` gives them; ratios: by week, the rolled
        forecast's MAE over each other method's with intervals; by_fold: by_week of each.
    """
    return {
        "cutoffs": int(cells["date"].nunique()),
        "by_day": {str(h): summarise(cells[cells["horizon"] == h], METHODS) for h in HORIZONS},
        "by_week": _by_week(cells),
        "ratios": {week: _ratios(_of_week(cells, days)) for week, days in WEEKS.items()},
        "by_fold": {str(fold): _by_week(part) for fold, part in cells.groupby("fold")},
    }


def _of_week(cells: pd.DataFrame, days: tuple[int, int]) -> pd.DataFrame:
    return cells[cells["horizon"].between(*days)]


def _by_week(cells: pd.DataFrame) -> dict[str, Any]:
    parts = {week: _of_week(cells, days) for week, days in WEEKS.items()}
    return {week: summarise(part, METHODS) for week, part in parts.items() if part["actual"].notna().any()}


def _ratios(cells: pd.DataFrame) -> dict[str, dict[str, float]]:
    return {other: bootstrap_ratio(cells, MODEL, other)._asdict() for other in COMPARED_WITH}


def to_markdown(figures: Mapping[str, Any]) -> str:
    """The tables."""
    by_day, by_week = figures["by_day"], figures["by_week"]
    first, last = by_day["1"], by_day[str(HORIZONS[-1])]
    parts = [
        f"{figures['cutoffs']} cutoffs; {first['cells']} forecasts of the next day "
        f"({first['censored']} more left the chart), {last['cells']} of the 28th ({last['censored']} more)",
        "MAE over naive's, by days ahead",
        _errors(by_week),
        "MAE of the rolled forecast over the others', with 90% intervals",
        _intervals(figures["ratios"]),
        "MAE of the rolled forecast over naive's, by fold",
        to_table(_fold_rows(figures["by_fold"])),
        "By day ahead: MAE over naive's, and coverage % of the intervals (mean width over the median)",
        _by_day(by_day),
    ]
    return "\n\n".join(parts)


def _errors(by_week: Mapping[str, Any]) -> str:
    rows = [["method", *by_week]]
    for name in [*BASELINES, *METHODS]:
        rows.append([name, *(f"{week['methods'][name]['mae_to_naive']:.3f}" for week in by_week.values())])
    rows.append(["naive's MAE", *(f"{week['methods']['naive']['mae']:.0f}" for week in by_week.values())])
    return to_table(rows)


def _intervals(ratios: Mapping[str, Any]) -> str:
    rows = [["over", *ratios]]
    for other in COMPARED_WITH:
        found = [of_week[other] for of_week in ratios.values()]
        rows.append([other, *(f"{f['ratio']:.3f} ({f['low_90']:.3f} to {f['high_90']:.3f})" for f in found)])
    return to_table(rows)


def _fold_rows(by_fold: Mapping[str, Any]) -> list[list[str]]:
    rows = [["fold", *WEEKS]]
    for fold, weeks in by_fold.items():
        found = (weeks[week]["methods"][MODEL]["mae_to_naive"] if week in weeks else np.nan for week in WEEKS)
        rows.append([fold, *(f"{ratio:.3f}" for ratio in found)])
    return rows


def _by_day(by_day: Mapping[str, Any]) -> str:
    shown = ["naive's MAE", "chart_weekday", MODEL, *(f"covers {level}" for level in LEVELS)]
    rows = [["day", "forecasts", *shown]]
    for day, summary in by_day.items():
        methods = summary["methods"]
        ours = methods[MODEL]
        covers = [f"{ours[f'coverage_{level}']:.1f} ({ours[f'width_{level}']:.3f})" for level in LEVELS]
        ratios = [f"{methods[name]['mae_to_naive']:.3f}" for name in ("chart_weekday", MODEL)]
        rows.append([day, str(summary["cells"]), f"{methods['naive']['mae']:.0f}", *ratios, *covers])
    return to_table(rows)
