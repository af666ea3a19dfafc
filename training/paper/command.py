"""``python -m training paper``: the paper's experiments on the chart given."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from training.data import DataError, read_panels
from training.panel import Panel
from training.paper.settings import FULL_LOOKBACKS, PaperSettings


def paper(
    data: Annotated[list[Path], typer.Option(help="Chart files and folders, of one region.")],
    out: Annotated[Path, typer.Option(help="The folder of results.json, the figures and index.html.")],
    tracks: Annotated[list[Path] | None, typer.Option(help="Metadata files.")] = None,
    region: Annotated[str | None, typer.Option(help="The region of files that don't say.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Every lookback from 1 to 28 instead of a choice of them.")
    ] = False,
) -> None:
    """Remake the paper's experiments: docs/paper.md tells what came of them."""
    settings = PaperSettings()
    if full:
        settings = replace(settings, lookbacks=FULL_LOOKBACKS, pooled_lookbacks=FULL_LOOKBACKS)
    panel = _read_one(data, tracks or [], region)
    try:
        remake(panel, settings, out)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def remake(panel: Panel, settings: PaperSettings, out: Path) -> None:
    """Run all experiments and write what they found into a folder.

    Raises:
        ValueError: the chart is too short for the settings.
    """
    from training.paper.experiments import run
    from training.paper.report import to_markdown, write_report

    results = run(panel, settings)
    write_report(results, out)
    print(to_markdown(results))
    print(f"paper: {out / 'index.html'}")


def _read_one(data: list[Path], tracks: list[Path], region: str | None) -> Panel:
    try:
        panels = read_panels(data, tracks, region=region)
    except DataError as error:
        raise typer.BadParameter(str(error)) from None
    if len(panels) > 1:
        found = ", ".join(panel.region for panel in panels)
        raise typer.BadParameter(f"the charts are of {found}: give one region's", param_hint="--data")
    return panels[0]
