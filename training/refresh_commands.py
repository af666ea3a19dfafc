"""``python -m training refresh`` and ``finetune``: training on what a store holds now."""

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from training.options import ISO, DataOption, StoreOption, TracksOption, read_charts, to_day
from training.runs import Record

SHIPPED = Path(__file__).resolve().parent.parent / "app" / "bundles"
MODELS = ("lstm", "gru", "multi_input")


def finetune(
    source: Annotated[Path, typer.Option("--from", help="The folder of the bundle to train on from.")],
    region: Annotated[str, typer.Option(help="The region to fine-tune to.")],
    train_through: Annotated[dt.datetime, typer.Option(formats=ISO, help="The last day that may be read.")],
    out: Annotated[Path, typer.Option(help="The folder of the candidate bundle; must not exist.")],
    data: DataOption = None,
    tracks: TracksOption = None,
    database_url: StoreOption = None,
    seed: int = 1,
) -> Record:
    """Fine-tune a bundle to one region, with as little as 60 days of its charts."""
    from app.forecasting.bundle_files import BadBundleError
    from training.bundles import start_bundle
    from training.data import fingerprint
    from training.finetune import finetune as finetune_bundle

    if out.exists():
        raise typer.BadParameter(f"{out} is there already", param_hint="--out")
    panels = read_charts(data, tracks, database_url, region)
    try:
        choice = finetune_bundle(source, panels, region, to_day(train_through), out, seed=seed)
    except (ValueError, BadBundleError) as error:
        raise typer.BadParameter(str(error)) from None
    kept = "tuned" if choice.comparison.is_won else "untouched: no setting beats them by more than noise"
    outcome = f"weights {kept}; {choice.comparison}".replace("the champion's", "the untouched weights'")
    print(f"{outcome}\ncandidate: {out}")
    return {
        "models": [start_bundle(out).bundle.name],
        "seed": seed,
        "data": fingerprint([panel for panel in panels if panel.region == region]),
        "figures": choice.comparison.to_json(),
        "chosen": {"learning_rate": choice.learning_rate, "epochs": choice.epochs},
        "curves": asdict(choice.curve),
        "outcome": outcome,
    }


def refresh(
    database_url: StoreOption = None,
    data: DataOption = None,
    tracks: TracksOption = None,
    models_dir: Annotated[
        Path, typer.Option(envvar="CHARTCAST_MODELS_DIR", help="Where bundles are published.")
    ] = Path("var/models"),
    shipped: Annotated[Path, typer.Option(help="The bundles that ship.")] = SHIPPED,
    model: Annotated[list[str] | None, typer.Option(help="lstm, gru or multi_input; left out: all.")] = None,
    from_scratch: Annotated[bool, typer.Option(help="Fit from nothing, not from the champion.")] = False,
    epochs: Annotated[int, typer.Option(min=1, help="Of training on from the champion.")] = 2,
    learning_rate: Annotated[float, typer.Option(min=0, help="Likewise.")] = 2e-3,
    seed: int = 1,
) -> Record:
    """Train challengers on what there is now; publish those that win on the newest weeks."""
    from training.data import fingerprint
    from training.refresh import refresh as refresh_model
    from training.warm_start import Warm

    names = model or list(MODELS)
    if unknown := sorted(set(names).difference(MODELS)):
        raise typer.BadParameter(f"{unknown[0]} is none of {', '.join(MODELS)}", param_hint="--model")
    panels = read_charts(data, tracks, database_url, None)
    warm = None if from_scratch else Warm(epochs, learning_rate)
    outcomes = []
    for name in names:
        outcome = refresh_model(name, panels, models_dir, shipped, warm=warm, seed=seed)
        print(outcome.reason)
        print(f"published: {outcome.published}" if outcome.published else "published: nothing")
        outcomes.append(outcome)
    return {
        "models": names,
        "seed": seed,
        "data": fingerprint(panels),
        "figures": {o.name: o.comparison.to_json() for o in outcomes if o.comparison},
        "curves": {o.name: {"training": o.challenger["training_loss"]} for o in outcomes if o.challenger},
        "published": [str(o.published) for o in outcomes if o.published],
        "left_out": {o.name: o.left_out for o in outcomes if o.left_out},
        "outcome": "; ".join(o.reason for o in outcomes),
    }
