"""``python -m training presence``: fit and score the head and its rivals; publish the head."""

import json
from pathlib import Path
from typing import Annotated

import typer

from training.options import DataOption, RegionOption, StoreOption, TracksOption, read_charts
from training.runs import Record

FIGURES, TABLES, CANDIDATE = "presence.json", "presence.md", "candidate"


def presence(
    out: Annotated[
        Path, typer.Option(help="The folder of the figures, and of the candidate that is published.")
    ] = Path("var/presence"),
    fold: Annotated[list[str] | None, typer.Option(help="Only this one of 1 to 4.")] = None,
    without_rivals: Annotated[
        bool, typer.Option("--without-rivals", help="Leave out all that take a fit of their own.")
    ] = False,
    publish: Annotated[
        Path | None, typer.Option(help="Then fit on all days and publish here: CHARTCAST_MODELS_DIR.")
    ] = None,
    data: DataOption = None,
    tracks: TracksOption = None,
    database_url: StoreOption = None,
    region: RegionOption = None,
) -> Record:
    """Whether a track will chart: fit the head and its rivals by fold, score them, publish the head."""
    from training.data import fingerprint
    from training.folds import FOLDS
    from training.row_models import publish_row_model
    from training.systems.presence.candidate import write_candidate
    from training.systems.presence.protocol import PresenceSettings, run_fold, summarise
    from training.systems.presence.report import to_markdown
    from training.systems.presence.rivals import RivalSettings

    folds = [f for f in FOLDS if not fold or f.name in fold]
    if fold and len(folds) < len(set(fold)):
        raise typer.BadParameter(f"is one of {', '.join(f.name for f in FOLDS)}", param_hint="--fold")
    if publish is not None and (out / CANDIDATE).exists():
        raise typer.BadParameter(f"{out / CANDIDATE} is there already", param_hint="--out")
    panels = read_charts(data, tracks, database_url, region)
    settings = PresenceSettings(rivals=None if without_rivals else RivalSettings())
    try:
        results = [run_fold(f, panels, settings) for f in folds]
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    figures = summarise(results)
    out.mkdir(parents=True, exist_ok=True)
    (out / FIGURES).write_text(json.dumps(figures, indent=2) + "\n")
    (out / TABLES).write_text(to_markdown(figures) + "\n")
    print(to_markdown(figures))
    if publish is not None:
        write_candidate(panels, settings.network, results[-1].chosen, figures, out / CANDIDATE)
        print(f"published: {publish_row_model(out / CANDIDATE, publish)}")
    return {"models": ["presence"], "data": fingerprint(panels), "figures": figures["tasks"]}
