"""``python -m training long-range``: forecasts of up to 28 days, and what they were chosen by."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from training.folds import FOLDS, Fold
from training.options import DataOption, RegionOption, StoreOption, TracksOption, read_charts
from training.panel import Panel
from training.runs import Record

FIGURES, TABLES = "long-range.json", "long-range.md"


def long_range(
    bundle: Annotated[
        list[Path] | None,
        typer.Option(help="A fold's LSTM, in a folder named fold-1 to fold-4. None: they are fitted."),
    ] = None,
    choose: Annotated[
        bool, typer.Option("--choose", help="Compare the variants on the first fold's validation; no test.")
    ] = False,
    fold: Annotated[list[str] | None, typer.Option(help="Only this one of 1 to 4.")] = None,
    out: Annotated[Path, typer.Option(help="The folder of what is fitted and found.")] = Path(
        "var/long-range"
    ),
    data: DataOption = None,
    tracks: TracksOption = None,
    database_url: StoreOption = None,
    region: RegionOption = None,
) -> Record:
    """Score forecasts of 28 days against naive, last week, moving averages and chart_weekday."""
    from training.data import fingerprint

    panels = read_charts(data, tracks, database_url, region)
    if len(panels) > 1:
        raise typer.BadParameter("give one region's charts", param_hint="--data")
    folds = [one for one in FOLDS if not fold or one.name in fold]
    if not folds:
        raise typer.BadParameter(f"is one of {', '.join(f.name for f in FOLDS)}", param_hint="--fold")
    figures = run_long_range(folds[:1] if choose else folds, panels[0], bundle or [], out, choose=choose)
    return {"data": fingerprint(panels), "figures": figures}


def run_long_range(
    folds: list[Fold], panel: Panel, bundles: list[Path], out: Path, *, choose: bool
) -> dict[str, Any]:
    """Fit what is not given, score, and write the figures to ``out`` as JSON and as Markdown.

    Raises:
        typer.BadParameter: a bundle is not its fold's, or the charts do not hold a period.
    """
    from training.systems.long_range import choices, figures
    from training.systems.long_range.backtest import OtherDaysError, fit_folds, score_folds, start_fold

    given = {folder.name.removeprefix("fold-"): folder for folder in bundles}
    try:
        found = given | fit_folds([fold for fold in folds if fold.name not in given], panel, out)
        if choose:
            forecaster = start_fold(folds[0], found[folds[0].name])
            result = choices.describe_choices(folds[0], panel, forecaster)
        else:
            result = score_folds(folds, panel, found)
    except (OtherDaysError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    tables = choices.to_markdown(result) if choose else figures.to_markdown(result)
    prefix = "choices-" if choose else ""
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{prefix}{FIGURES}").write_text(json.dumps(result, indent=2) + "\n")
    (out / f"{prefix}{TABLES}").write_text(tables + "\n")
    print(tables)
    return result
