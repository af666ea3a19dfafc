"""Figures of a backtest: errors, their ratios to the baselines, coverage; as JSON and as a table."""

from typing import Any

import numpy as np
import pandas as pd

from training.backtest import BASELINES

REFERENCES = (*BASELINES, "lightgbm", "autoets", "autotheta")  # a ratio to each that is there
LEVELS = {50: (0.25, 0.75), 80: (0.1, 0.9), 95: (0.025, 0.975)}


def summarise(cells: pd.DataFrame, methods: list[str]) -> dict[str, Any]:
    """Figures of each method and of the baselines, over the cells whose target is known.

    Returns:
        cells, censored, and by method: mae, rmse, wape, mase, median_percentage_error and a ratio of MAE to
        each baseline's and rival's; with quantiles also the coverage and the mean relative width of the
        intervals. MASE is over the cells whose track had moved by the cutoff (``naive_scale``).
    """
    known = cells[cells["actual"].notna()]
    figures = {name: _figures(known, name) for name in [*BASELINES, *methods]}
    for reference in (name for name in REFERENCES if name in figures):
        whole = figures[reference]["mae"]
        for of_method in figures.values():
            of_method[f"mae_to_{reference}"] = of_method["mae"] / whole if whole else float("nan")
    return {"cells": len(known), "censored": len(cells) - len(known), "methods": figures}


def _figures(known: pd.DataFrame, name: str) -> dict[str, float]:
    actual, error = known["actual"], (known[name] - known["actual"]).abs()
    figures = {
        "mae": float(error.mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "wape": float(error.sum() / actual.sum()),
        "mase": float((error / known["naive_scale"]).mean()),
        "median_percentage_error": float(100 * (error / actual.clip(lower=1)).median()),
    }
    for level, (low, high) in LEVELS.items():
        if f"{name}@{low}" in known:
            lower, upper = known[f"{name}@{low}"], known[f"{name}@{high}"]
            figures[f"coverage_{level}"] = float(100 * ((actual >= lower) & (actual <= upper)).mean())
            figures[f"width_{level}"] = float(((upper - lower) / known[name]).mean())
    return figures


def to_markdown(result: dict[str, Any]) -> str:
    """A backtest's figures as Markdown: for each region the next day in full, then the days after it."""
    parts = []
    for region, by_horizon in result["regions"].items():
        first = next(iter(by_horizon.values()))
        begin, end = result["cutoffs"]
        parts.append(
            f"{region}, cutoffs {begin} to {end}, {first['cells']} forecasts of the next day "
            f"({first['censored']} more left the chart){', IN SAMPLE' if result['in_sample'] else ''}"
        )
        parts.append(to_table(_next_day_rows(first)))
        if len(by_horizon) > 1:
            parts.append("MAE / naive by days ahead")
            parts.append(to_table(_horizon_rows(by_horizon)))
    return "\n\n".join(parts)


def describe_backtest(result: dict[str, Any]) -> str:
    """A backtest in a line: its cutoffs, and each bundle's next day over naive's in each region."""
    begin, end = result["cutoffs"]
    ratios = [
        f"{name} {next(iter(by_horizon.values()))['methods'][name]['mae_to_naive']:.3f} of naive in {region}"
        for region, by_horizon in result["regions"].items()
        for name in result["bundles"]
    ]
    return f"cutoffs {begin} to {end}{', IN SAMPLE' if result['in_sample'] else ''}: {', '.join(ratios)}"


def _next_day_rows(summary: dict[str, Any]) -> list[list[str]]:
    ratios = [f"/ {baseline}" for baseline in BASELINES]
    rows = [["method", "MAE", "RMSE", "WAPE %", "MASE", "median % error", *ratios, "covers 50", "80", "95"]]
    for name, f in summary["methods"].items():
        errors = [f"{f['mae']:.0f}", f"{f['rmse']:.0f}", f"{100 * f['wape']:.2f}", f"{f['mase']:.2f}"]
        to_baselines = [f"{f[f'mae_to_{baseline}']:.3f}" for baseline in BASELINES]
        covers = [f"{f[f'coverage_{level}']:.1f}" if f"coverage_{level}" in f else "" for level in LEVELS]
        rows.append([name, *errors, f"{f['median_percentage_error']:.2f}", *to_baselines, *covers])
    return rows


def _horizon_rows(by_horizon: dict[str, Any]) -> list[list[str]]:
    rows = [["method", *by_horizon]]
    for name in next(iter(by_horizon.values()))["methods"]:
        ratios = [f"{s['methods'][name]['mae_to_naive']:.3f}" for s in by_horizon.values()]
        rows.append([name, *ratios])
    return rows


def to_table(rows: list[list[str]]) -> str:
    """Rows as a Markdown table, the first of them its head."""
    rows = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
