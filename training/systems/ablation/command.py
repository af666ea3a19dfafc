"""``python -m training ablation``: which preprocessing is redundant."""

from pathlib import Path
from typing import Annotated

import typer

from training.options import DataOption, RegionOption, StoreOption, TracksOption, read_charts
from training.runs import Record


def ablation(
    fold: Annotated[str, typer.Option(help="Learn and validate on the days of this one of 1 to 4.")] = "4",
    days: Annotated[int, typer.Option(min=56, help="Of training history, the last so many.")] = 730,
    epochs: Annotated[int, typer.Option(min=1, help="Of each fit.")] = 3,
    seeds: Annotated[int, typer.Option(min=1, help="Fit each variant so many times.")] = 3,
    variant: Annotated[
        list[str] | None, typer.Option(help="Only these, and what they are held against.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="What is fitted and found; a run goes on where it stopped.")
    ] = Path("var/ablation"),
    data: DataOption = None,
    tracks: TracksOption = None,
    database_url: StoreOption = None,
    region: RegionOption = None,
) -> Record:
    """Turn off each input and transform in turn: how much worse are forecasts of the validation period?

    The test period is not read. One seed tells of no spread, so nothing is called redundant then.
    """
    from training.data import fingerprint
    from training.folds import FOLDS
    from training.protocol import OtherRunError
    from training.systems.ablation.fitting import Budget
    from training.systems.ablation.report import to_markdown
    from training.systems.ablation.study import choose_variants, run_ablation

    known = {each.name: each for each in FOLDS}
    if fold not in known:
        raise typer.BadParameter(f"is one of {', '.join(known)}", param_hint="--fold")
    panels = read_charts(data, tracks, database_url, region)
    try:
        variants = choose_variants(variant or [])
        budget = Budget(days=days, epochs=epochs)
        result = run_ablation(variants, range(1, seeds + 1), budget, known[fold], panels, out)
    except (OtherRunError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    print(to_markdown(result))
    return {"data": fingerprint(panels), "figures": result}
