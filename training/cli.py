"""The commands of ``python -m training``."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from training.data import DataError, read_panels, read_store
from training.panel import Panel
from training.paper.command import paper
from training.simulate import write_sample

app = typer.Typer(help="Training, backtests and publishing.", no_args_is_help=True, add_completion=False)

DataOption = Annotated[list[Path] | None, typer.Option("--data", help="Chart files and folders.")]
TracksOption = Annotated[list[Path] | None, typer.Option("--tracks", help="Metadata files.")]
StoreOption = Annotated[str | None, typer.Option("--database-url", help="Read the store instead of files.")]
RegionOption = Annotated[str | None, typer.Option(help="The region of files that don't say.")]
ISO = ["%Y-%m-%d"]

app.command()(paper)


@app.command("fit")
def fit_model(
    model: Annotated[str, typer.Option(help="lstm, gru or multi_input.")],
    out: Annotated[Path, typer.Option(help="The folder of the candidate bundle; must not exist.")],
    train_through: Annotated[
        dt.datetime, typer.Option(formats=ISO, help="The last target day to learn from.")
    ],
    validate_through: Annotated[
        dt.datetime | None,
        typer.Option(formats=ISO, help="Choose the epochs on the later target days up to here."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Fit so many epochs instead of choosing.")] = None,
    epochs_of: Annotated[
        Path | None, typer.Option(help="Fit as many epochs as this bundle: to refit it on later days.")
    ] = None,
    recurrent: Annotated[
        Path | None,
        typer.Option(help="multi_input in two stages: the bundle of its recurrent part, kept as it is."),
    ] = None,
    seed: int = 1,
    data: DataOption = None,
    tracks: TracksOption = None,
    database_url: StoreOption = None,
    region: RegionOption = None,
) -> None:
    """Fit a model and write a candidate bundle (publish makes it a version)."""
    from training.bundles import start_bundle
    from training.fit import FitSettings
    from training.recipes import NAMES, Plan, fit_candidate

    if model not in NAMES:
        raise typer.BadParameter(f"is one of {', '.join(NAMES)}", param_hint="--model")
    if out.exists():
        raise typer.BadParameter(f"{out} is there already", param_hint="--out")
    if epochs_of is not None:
        epochs = start_bundle(epochs_of).bundle.training["epochs"]
    plan = Plan(
        name=model,
        train_through=_day(train_through),
        validate_through=None if validate_through is None else _day(validate_through),
        epochs=epochs,
        recurrent=recurrent,
        settings=FitSettings(seed=seed),
    )
    try:
        fit_candidate(plan, _read(data, tracks, database_url, region), out)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    print(f"candidate: {out}")


@app.command()
def backtest(
    bundle: Annotated[list[Path], typer.Option(help="A bundle's folder; several are scored together.")],
    first: Annotated[dt.datetime, typer.Option("--from", formats=ISO, help="The first cutoff.")],
    last: Annotated[dt.datetime, typer.Option("--to", formats=ISO, help="The last cutoff.")],
    horizon: Annotated[int, typer.Option(min=1, max=7, help="Score 1 to so many days ahead.")] = 7,
    in_sample: Annotated[bool, typer.Option(help="Score days that a bundle learned from.")] = False,
    data: DataOption = None,
    tracks: TracksOption = None,
    database_url: StoreOption = None,
    region: RegionOption = None,
) -> None:
    """Score bundles over rolling cutoffs against the baselines, all on the same cells."""
    from training.evaluation import InSampleError, backtest_bundles
    from training.report import to_markdown

    panels = _read(data, tracks, database_url, region)
    horizons = range(1, horizon + 1)
    try:
        result = backtest_bundles(
            bundle, panels, first=_day(first), last=_day(last), horizons=horizons, in_sample=in_sample
        )
    except (InSampleError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    print(to_markdown(result))


@app.command()
def publish(
    bundle: Annotated[Path, typer.Option(help="A candidate's folder.")],
    to: Annotated[Path, typer.Option(help="Where bundles are published: CHARTCAST_MODELS_DIR.")],
    figures_of: Annotated[
        Path | None,
        typer.Option(help="The backtested bundle whose figures to give; the candidate itself if left out."),
    ] = None,
) -> None:
    """Make a candidate the next version of its model, with the figures of its backtest."""
    from training.bundles import publish as publish_bundle
    from training.bundles import read_backtest, start_bundle

    try:
        figures = read_backtest(figures_of or bundle, start_bundle(bundle).bundle.name)
        print(f"published: {publish_bundle(bundle, to, figures)}")
    except (FileNotFoundError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="The folder to write charts/ and tracks.csv into.")],
    regions: Annotated[str, typer.Option(help="Codes, with commas between.")] = "ph,us",
    days: Annotated[int, typer.Option(min=1)] = 90,
    end: Annotated[dt.datetime, typer.Option(formats=ISO, help="The last day.")] = dt.datetime(2020, 12, 31),  # noqa: DTZ001
    seed: int = 7,
) -> None:
    """Invent charts and metadata: the sample that ships with the app is made by this."""
    write_sample(out, regions=regions.split(","), days=days, end=end.date(), seed=seed)
    print(f"sample: {out}")


@app.command()
def baseline_quantiles(
    data: DataOption = None, tracks: TracksOption = None, region: RegionOption = None
) -> None:
    """Measure the prior of the baseline's intervals (app/forecasting/baseline_intervals.py)."""
    from training.baselines import chart_weekday_quantiles

    for panel in _read(data, tracks, None, region):
        for horizon in range(1, 8):
            print(panel.region, horizon, chart_weekday_quantiles(panel, horizon))


def _read(
    data: list[Path] | None, tracks: list[Path] | None, database_url: str | None, region: str | None
) -> list[Panel]:
    if (data is None) == (database_url is None):
        raise typer.BadParameter("name either --data or --database-url")
    try:
        if database_url is not None:
            return read_store(database_url)
        return read_panels(data or [], tracks or [], region=region)
    except DataError as error:
        raise typer.BadParameter(str(error)) from None


def _day(moment: dt.datetime) -> np.datetime64:
    return np.datetime64(moment.date(), "D")
