"""What the study found, as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.forecasting.popularity import CLASSES

COLUMNS = ("macro_f1", "accuracy", "log_loss", "brier", "ece", "r2", "spearman", "peak_mae", "days_mae")


def to_markdown(result: Mapping[str, Any]) -> str:
    """All tables of a study."""
    methods = result["methods"]
    main = [name for name in methods if ":" not in name]
    parts = [
        f"{result['tracks']} tracks that entered in the folds' tests and whose 60 days are over. A method's "
        "row is its seeds' answers as one; in brackets from the smallest to the largest of a seed.",
        _methods_table(methods, list(methods)),
        _folds_table(result["folds"], main),
        *(_confusion(name, methods[name]) for name in main[-1:]),
        *(_reliability(name, methods[name]) for name in main if name != "prior"),
        *(
            f"{name}: log loss smaller by {gain['gain']:.4f} "
            f"(95%: {gain['low_95']:.4f} to {gain['high_95']:.4f})"
            for name, gain in result["gains"].items()
        ),
    ]
    return "\n\n".join(parts)


def _methods_table(methods: Mapping[str, Any], names: Sequence[str]) -> str:
    rows = []
    for name in names:
        spread = methods[name]["seeds"]
        cells = [f"{methods[name][column]:.3f}" for column in COLUMNS]
        for column in ("macro_f1", "log_loss", "r2"):
            low, high = spread[column]
            cells[COLUMNS.index(column)] += f" ({low:.3f} to {high:.3f})" if high > low else ""
        rows.append([name, *cells])
    return _table(["method", *(column.replace("_", " ") for column in COLUMNS)], rows)


def _folds_table(folds: Mapping[str, Any], names: Sequence[str]) -> str:
    header = ["fold", "learned", "tracks"]
    header += [f"{name} {figure}" for name in names for figure in ("F1", "log loss", "R2")]
    rows = [
        [fold, str(found["learned"]), str(found["tracks"])]
        + [f"{found[name][column]:.3f}" for name in names for column in ("macro_f1", "log_loss", "r2")]
        for fold, found in folds.items()
    ]
    return _table(header, rows)


def _confusion(name: str, figures: Mapping[str, Any]) -> str:
    rows = [[true, *map(str, counts)] for true, counts in zip(CLASSES, figures["confusion"], strict=True)]
    return _table([f"{name}: came \\ told", *CLASSES], rows)


def _reliability(name: str, figures: Mapping[str, Any]) -> str:
    rows = [
        [f"{row['from']:.1f} to {row['to']:.1f}", *(f"{row[key]:.3f}" for key in ("share", "said", "came"))]
        for row in figures["reliability"]
    ]
    return _table([f"{name}: probability", "share", "said", "came"], rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
