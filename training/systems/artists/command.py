"""``python -m training artists``."""

from pathlib import Path
from typing import Annotated

import typer

from training.options import DataOption, RegionOption, StoreOption, TracksOption, read_charts
from training.runs import Record


def artists(
    out: Annotated[
        Path, typer.Option(help="What is fitted and found; a run goes on where it stopped.")
    ] = Path("var/artists"),
    bundle: Annotated[
        list[Path] | None,
        typer.Option(help="A fold's lstm candidate, its folder called fold-1 to fold-4; else it is fitted."),
    ] = None,
    fold: Annotated[list[str] | None, typer.Option(help="Only this one of 1 to 4.")] = None,
    seed: Annotated[int, typer.Option(help="Of what is fitted.")] = 1,
    data: DataOption = None,
    tracks: TracksOption = None,
    database_url: StoreOption = None,
    region: RegionOption = None,
) -> Record:
    """Score forecasts of artists, and ways to make tracks, artists and the chart add up, on four folds."""
    from training.data import fingerprint
    from training.fit import FitSettings
    from training.folds import FOLDS
    from training.systems.artists.protocol import ArtistContest, InSampleError, run_artists
    from training.systems.artists.report import to_markdown
    from training.systems.artists.trend import TrendSettings

    folds = [one for one in FOLDS if not fold or one.name in fold]
    bundles = {path.name.removeprefix("fold-"): path for path in bundle or []}
    for names, option in ((fold or [], "--fold"), (bundles, "--bundle")):
        if unknown := sorted(set(names).difference(one.name for one in FOLDS)):
            raise typer.BadParameter(f"there is no fold {unknown[0]}", param_hint=option)
    panels = read_charts(data, tracks, database_url, region)
    if len(panels) > 1:
        raise typer.BadParameter("the charts are of several regions: give one region's", param_hint="--data")
    contest = ArtistContest(FitSettings(seed=seed), TrendSettings(seed=seed))
    try:
        result = run_artists(contest, folds, panels[0], out, bundles)
    except (InSampleError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    print(to_markdown(result))
    return {"seed": seed, "data": fingerprint(panels), "figures": result}
