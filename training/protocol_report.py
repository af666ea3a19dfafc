"""The protocol's figures as Markdown: the short table first, then where they come from."""

from collections.abc import Mapping
from typing import Any

from training.backtest import BASELINES
from training.report import LEVELS, to_table
from training.shares import shares_to_markdown

RATIOS = (*BASELINES, "lightgbm")


def to_markdown(result: dict[str, Any]) -> str:
    """All tables of all regions."""
    return "\n\n".join(_region(result, region) for region in result["regions"])


def _region(result: dict[str, Any], region: str) -> str:
    figures = result["regions"][region]
    periods = ", ".join(f"{fold['first']} to {fold['last']}" for fold in result["folds"])
    whole = figures["next_day"]
    parts = [
        f"## {region}",
        f"Cutoffs {periods}; {whole['cells']} forecasts of the next day "
        f"({whole['censored']} more left the chart and are not scored).",
        _short(whole),
        "MAE over another method's, with 90% and 95% intervals (blocks of 7 days)",
        _ratio_intervals(whole["intervals"]),
        "MAE over naive's, by fold",
        _ratios(figures["by_fold"], "naive", whole),
        *_lightgbm_by_fold(figures["by_fold"]),
        "MAE over naive's on the periods that each fold was chosen on",
        _ratios(figures["on_validation"], "naive"),
        "MAE over naive's, by days ahead",
        _ratios(figures["by_horizon"], "naive"),
        "Direct or recursive: MAE over naive's on the periods that each fold was chosen on, by days ahead",
        shares_to_markdown(figures["shares"]),
    ]
    for kind, groups in figures["breakdown"].items():
        parts += [f"MAE over naive's on the next day, by {kind}", _groups(kind, groups)]
    for day, groups in figures["metadata"].items():
        parts += [f"{_days_ahead(day)}: MAE of multi_input over its recurrent part's, by observed days"]
        parts += [_metadata(groups)]
    for day, coverage in figures["coverage"].items():
        parts += [f"{_days_ahead(day)}: coverage % of the intervals (mean width over the cutoff's streams)"]
        parts += [_coverage(coverage)]
    return "\n\n".join(parts + _sample(figures["sample"]))


def _short(summary: Mapping[str, Any]) -> str:
    methods = summary["methods"]
    ratios = [name for name in (*RATIOS, "autoets", "autotheta") if name in methods]
    head = ["method", "MAE", "RMSE", "WAPE %", "MASE", "median % error", *(f"/ {name}" for name in ratios)]
    rows = [head]
    for name, f in methods.items():
        row = [name, f"{f['mae']:.0f}", f"{f['rmse']:.0f}", f"{100 * f['wape']:.2f}", f"{f['mase']:.3f}"]
        row.append(f"{f['median_percentage_error']:.2f}")
        rows.append(row + [f"{f[f'mae_to_{ratio}']:.3f}" for ratio in ratios])
    return to_table(rows)


def _ratio_intervals(intervals: Mapping[str, Any]) -> str:
    others = list(next(iter(intervals.values())))
    rows = [["method", *(f"/ {other}" for other in others)]]
    for method, by_other in intervals.items():
        rows.append([method, *(_interval(by_other[other]) if other in by_other else "" for other in others)])
    return to_table(rows)


def _interval(found: Mapping[str, float]) -> str:
    return (
        f"{found['ratio']:.3f} ({found['low_90']:.3f} to {found['high_90']:.3f}; "
        f"{found['low_95']:.3f} to {found['high_95']:.3f})"
    )


def _lightgbm_by_fold(folds: Mapping[str, Any]) -> list[str]:
    """Each model against LightGBM in each fold; nothing where it did not take part."""
    intervals = {fold: summary["intervals"] for fold, summary in folds.items()}
    methods = [name for name, others in next(iter(intervals.values())).items() if "lightgbm" in others]
    if not methods:
        return []
    rows = [["method", *(f"fold {fold}" for fold in folds)]]
    rows += [
        [name, *(_interval(of_fold[name]["lightgbm"]) for of_fold in intervals.values())] for name in methods
    ]
    return ["MAE over LightGBM's, by fold", to_table(rows)]


def _ratios(parts: Mapping[str, Any], to: str, pooled: Mapping[str, Any] | None = None) -> str:
    """A row a method, a column a part."""
    columns = dict(parts) | ({"all": pooled} if pooled else {})
    rows = [["method", *columns]]
    for name in next(iter(columns.values()))["methods"]:
        rows.append([name, *(f"{part['methods'][name][f'mae_to_{to}']:.3f}" for part in columns.values())])
    return to_table(rows)


def _groups(kind: str, groups: Mapping[str, Any]) -> str:
    """A row a group, a column a method."""
    methods = [name for name in next(iter(groups.values()))["methods"] if name != "naive"]
    rows = [[kind, "forecasts", "left the chart", "naive's MAE", *methods]]
    for group, summary in groups.items():
        found = summary["methods"]
        counts = [str(summary["cells"]), str(summary["censored"]), f"{found['naive']['mae']:.0f}"]
        rows.append([group, *counts, *(f"{found[name]['mae_to_naive']:.3f}" for name in methods)])
    return to_table(rows)


def _days_ahead(day: str) -> str:
    return "The next day" if day == "1" else f"{day} days ahead"


def _metadata(groups: Mapping[str, Any]) -> str:
    """A row a model, a column a group."""
    rows = [["method", *groups]]
    for model in next(iter(groups.values())):
        rows.append([model, *(_interval(group[model]) for group in groups.values())])
    return to_table(rows)


def _coverage(coverage: Mapping[str, Any]) -> str:
    rows = [["cells", "forecasts", "method", *(str(level) for level in LEVELS)]]
    for kind, groups in coverage.items():
        for group, summary in groups.items():
            label = group if kind == group else f"{kind} {group}"
            for method, levels in summary["methods"].items():
                shown = [f"{f['coverage']:.1f} ({f['width']:.3f})" for f in levels.values()]
                rows.append([label, str(summary["cells"]), method, *shown])
    return to_table(rows)


def _sample(sample: Mapping[str, Any] | None) -> list[str]:
    if sample is None:
        return []
    first = sample["by_horizon"]["1"]
    return [
        f"AutoETS and AutoTheta: a sample of {first['cells']} of the same forecasts, all methods on it",
        _short(first),
        _ratio_intervals(sample["intervals"]),
        "By days ahead, MAE over naive's on the sample",
        _ratios(sample["by_horizon"], "naive"),
    ]
