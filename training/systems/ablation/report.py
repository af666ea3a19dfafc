"""The ablation's figures as Markdown."""

from collections.abc import Mapping
from typing import Any

from training.report import to_table
from training.systems.ablation.figures import NEW_TRACK, WIDEST_SPREAD

_TITLES = {
    "": "All tracks",
    "new_": f"Tracks under {NEW_TRACK} observed days",
}


def to_markdown(result: dict[str, Any]) -> str:
    """What the figures are of, and a table of all tracks and one of new ones."""
    tables = [_table(result, which) for which in _TITLES if f"{which}next_day" in result["groups"]]
    return "\n\n".join([_headline(result), *tables])


def _headline(result: dict[str, Any]) -> str:
    fold, budget, groups = result["fold"], result["budget"], result["groups"]
    base = ", ".join(f"{groups[name]['baselines']['chart_weekday']:.3f}" for name in ("next_day", "week"))
    regions, seeds = ", ".join(result["regions"]), ", ".join(map(str, result["seeds"]))
    return (
        f"Fold {fold['name']}, {regions}: learned through {fold['train_through']} from the last "
        f"{budget['days']} days for {budget['epochs']} epochs (the market's part from all days for "
        f"{budget['market_epochs']}), seeds {seeds}; scored on the validation period, targets through "
        f"{fold['validate_through']}.\n\n"
        f"MAE over naive's, of the next day and of 1 to 7 days ahead; chart_weekday is at {base}. The change "
        "is of that, mean over seeds and standard deviation; the ratio is to what the row is held against, "
        "with a 90% interval (blocks of 7 days). An input is redundant where the interval holds 1 and the "
        f"seeds' spread covers the change and is at most {WIDEST_SPREAD}."
    )


def _table(result: dict[str, Any], which: str) -> str:
    groups = [result["groups"][f"{which}{period}"] for period in ("next_day", "week")]
    head = [
        "turned off",
        "next day",
        "change",
        "ratio",
        "",
        "1 to 7 days",
        "change",
        "ratio",
        "",
        "what it is",
    ]
    rows = [head]
    for name, about in result["about"].items():
        cells = [cell for group in groups for cell in _figures(group["variants"][name])]
        rows.append([name, *cells, about])
    counts = " and ".join(str(group["cells"]) for group in groups)
    return f"{_TITLES[which]} ({counts} forecasts)\n\n{to_table(rows)}"


def _figures(found: Mapping[str, Any]) -> list[str]:
    if "ratio" not in found:
        return [f"{found['to_naive']:.3f}", "", "", ""]
    spread = "" if found["spread"] is None else f" ± {found['spread']:.3f}"
    return [
        f"{found['to_naive']:.3f}",
        f"{found['change']:+.3f}{spread}",
        f"{found['ratio']:.3f} ({found['low_90']:.3f} to {found['high_90']:.3f})",
        found["verdict"],
    ]
