"""The figures of artists as Markdown."""

from collections.abc import Mapping
from typing import Any

from training.report import LEVELS, to_table


def to_markdown(result: Mapping[str, Any]) -> str:
    """All tables."""
    periods = ", ".join(f"{fold['first']} to {fold['last']}" for fold in result["cutoffs"].values())
    every = next(iter(result["cutoffs"].values()))["every"]
    parts = [
        f"## {result['region']}",
        f"Cutoffs {periods}, every {every}rd day. MAE over naive's of the same level, all folds; tracks that "
        "chart on the cutoff and on the target day, their artists' sums, the chart's sum.",
    ]
    for period, said in (("test", "Test"), ("chosen_on", "Validation (second halves)")):
        parts += [said, _errors(result[period]["all"])]
    parts += [
        "Artists by fold, all days ahead (validation / test)",
        _by_fold(result),
        "MAE of artists over bottom-up's, all days ahead, with 95% intervals (blocks of 7 days)",
        _against(result["against_served"]),
        "Correlation of an artist's tracks, by days ahead, as each fold's validation has it",
        _correlations(result["correlations"]),
    ]
    for horizon, sizes in result["coverage"].items():
        parts += [f"Coverage % on test (width over the median), days ahead: {horizon}", _coverage(sizes)]
    parts += [
        "The sum of all tracks on the cutoff's chart, against what came: of those that stayed, of all the "
        "artist's tracks on the target day",
        _whole(result["whole"]),
    ]
    return "\n\n".join(parts)


def _errors(levels: Mapping[str, Any]) -> str:
    heads = [(level, horizon) for level, by_horizon in levels.items() for horizon in by_horizon]
    rows = [["method", *(f"{level} {horizon}" for level, horizon in heads)]]
    first = levels[heads[0][0]][heads[0][1]]
    for method in (name for name in first if name != "cells"):
        rows.append([method, *(f"{levels[level][h][method]['to_naive']:.3f}" for level, h in heads)])
    rows.append(["forecasts", *(str(levels[level][h]["cells"]) for level, h in heads)])
    return to_table(rows)


def _by_fold(result: Mapping[str, Any]) -> str:
    folds = list(result["test"])
    pairs = {
        fold: [result[period][fold]["artists"]["all"] for period in ("chosen_on", "test")] for fold in folds
    }
    rows = [["method", *folds]]
    for method in (name for name in pairs["all"][0] if name != "cells"):
        shown = [" / ".join(f"{of[method]['to_naive']:.3f}" for of in pairs[fold]) for fold in folds]
        rows.append([method, *shown])
    return to_table(rows)


def _against(periods: Mapping[str, Any]) -> str:
    rows = [["way", *periods]]
    for way in next(iter(periods.values())):
        found = [of[way] for of in periods.values()]
        rows.append([way, *(f"{f['ratio']:.3f} ({f['low_95']:.3f} to {f['high_95']:.3f})" for f in found)])
    return to_table(rows)


def _correlations(folds: Mapping[str, Mapping[int, float]]) -> str:
    horizons = list(folds["all"])
    rows = [["fold", *map(str, horizons)]]
    rows += [[fold, *(f"{of[horizon]:.2f}" for horizon in horizons)] for fold, of in folds.items()]
    return to_table(rows)


def _coverage(sizes: Mapping[str, Any]) -> str:
    rows = [["tracks", "forecasts", "way", *(str(level) for level in LEVELS)]]
    for size, of_size in sizes.items():
        for way, levels in of_size.items():
            if way != "cells":
                shown = [f"{f['coverage']:.1f} ({f['width']:.3f})" for f in levels.values()]
                rows.append([size, str(of_size["cells"]), way, *shown])
    return to_table(rows)


def _whole(by_horizon: Mapping[str, Any]) -> str:
    rows = [
        [
            "days ahead",
            "artists",
            "gone %",
            "stayed: off by %",
            "MAE / naive",
            "whole: off by %",
            "MAE / naive",
        ]
    ]
    for horizon, f in by_horizon.items():
        rows.append(
            [horizon, str(f["cells"]), f"{f['gone']:.1f}"]
            + [
                text
                for t in ("stayed", "whole")
                for text in (f"{f[t]['bias']:+.1f}", f"{f[t]['to_naive']:.3f}")
            ]
        )
    return to_table(rows)
