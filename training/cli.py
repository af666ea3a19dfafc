"""The commands of ``python -m training``."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from app.forecasting.rolling import MAX_HORIZON
from training.options import ISO, DataOption, RegionOption, StoreOption, TracksOption, read_charts, to_day
from training.panel import Panel
from training.paper.command import paper
from training.refresh_commands import SHIPPED, finetune, refresh
from training.runs import Record, describe_fit, recorded
from training.runs_commands import runs
from training.simulate import write_sample
from training.systems.ablation.command import ablation
from training.systems.artists.command import artists
from training.systems.long_range.command import long_range
from training.systems.popularity.command import popularity
from training.systems.presence.command import presence

app = typer.Typer(help="Training, backtests and publishing.", no_args_is_help=True, add_completion=False)
app.add_typer(runs, name="runs")
for command in (finetune, refresh, ablation, artists, long_range, popularity, presence):
    app.command()(recorded(command))
app.command()(paper)


@app.command("fit")
@recorded
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
) -> Record:
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
        train_through=to_day(train_through),
        validate_through=None if validate_through is None else to_day(validate_through),
        epochs=epochs,
        recurrent=recurrent,
        settings=FitSettings(seed=seed),
    )
    try:
        fit_candidate(plan, read_charts(data, tracks, database_url, region), out)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    print(f"candidate: {out}")
    return describe_fit(start_bundle(out).bundle)


@app.command()
def ensemble(
    bundle: Annotated[list[Path], typer.Option(help="A member: a candidate's folder; two at least.")],
    out: Annotated[Path, typer.Option(help="The folder of the candidate bundle; must not exist.")],
) -> None:
    """Average several candidates of one model (other seeds) into one graph, one call to run."""
    from training.ensemble import average_candidates

    try:
        average_candidates(bundle, out)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--bundle") from error
    print(f"candidate: {out}")


@app.command()
@recorded
def backtest(
    bundle: Annotated[
        list[Path] | None,
        typer.Option(help="A bundle's folder; several are scored together. None: the whole protocol."),
    ] = None,
    first: Annotated[
        dt.datetime | None, typer.Option("--from", formats=ISO, help="With --bundle: the first cutoff.")
    ] = None,
    last: Annotated[
        dt.datetime | None, typer.Option("--to", formats=ISO, help="With --bundle: the last cutoff.")
    ] = None,
    horizon: Annotated[int, typer.Option(min=1, max=7, help="Score 1 to so many days ahead.")] = 7,
    in_sample: Annotated[bool, typer.Option(help="Score days that a bundle learned from.")] = False,
    fold: Annotated[list[str] | None, typer.Option(help="Of the protocol: only this one of 1 to 4.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Of the protocol: fit each model with it.")] = None,
    without_rivals: Annotated[
        bool, typer.Option("--without-rivals", help="Leave out LightGBM, AutoETS and AutoTheta.")
    ] = False,
    out: Annotated[
        Path, typer.Option(help="Of the protocol: what is fitted and found; a run goes on where it stopped.")
    ] = Path("var/backtest"),
    data: DataOption = None,
    tracks: TracksOption = None,
    database_url: StoreOption = None,
    region: RegionOption = None,
) -> Record:
    """Score methods over rolling cutoffs, all on the same cells: bundles, or by fold all that there are.

    Without --bundle the three models and their rivals are fitted anew for each of four folds.
    """
    if not bundle:
        panels = read_charts(data, tracks, database_url, region)
        return _run_protocol(panels, fold, seed or [1], rivals=not without_rivals, out=out)
    if first is None or last is None:
        raise typer.BadParameter("say the first and the last cutoff", param_hint="--from, --to")
    from training.data import fingerprint
    from training.evaluation import InSampleError, backtest_bundles
    from training.report import describe_backtest, to_markdown

    panels = read_charts(data, tracks, database_url, region)
    horizons = range(1, horizon + 1)
    try:
        result = backtest_bundles(
            bundle, panels, first=to_day(first), last=to_day(last), horizons=horizons, in_sample=in_sample
        )
    except (InSampleError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    print(to_markdown(result))
    return {
        "models": list(result["bundles"]),
        "data": fingerprint(panels),
        "figures": result,
        "outcome": describe_backtest(result),
    }


def _run_protocol(
    panels: list[Panel], names: list[str] | None, seeds: list[int], *, rivals: bool, out: Path
) -> Record:
    from training.contest import Contest
    from training.data import fingerprint
    from training.folds import FOLDS
    from training.protocol import OtherRunError, run_protocol
    from training.protocol_report import to_markdown

    folds = [fold for fold in FOLDS if not names or fold.name in names]
    if names and len(folds) < len(set(names)):
        raise typer.BadParameter(f"is one of {', '.join(f.name for f in FOLDS)}", param_hint="--fold")
    try:
        result = run_protocol(Contest(seeds=seeds, rivals=rivals), folds, panels, out)
    except (OtherRunError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None
    print(to_markdown(result))
    return {"data": fingerprint(panels), "figures": result}


@app.command()
def publish(
    bundle: Annotated[Path, typer.Option(help="A candidate's folder.")],
    to: Annotated[Path, typer.Option(help="Where bundles are published: CHARTCAST_MODELS_DIR.")],
    figures_of: Annotated[
        Path | None,
        typer.Option(help="The backtested bundle whose figures to give; the candidate itself if left out."),
    ] = None,
) -> None:
    """Make a candidate the next version of its model, later than the one that ships too."""
    from app.forecasting.bundle_files import list_versions
    from training.bundles import publish as publish_bundle
    from training.bundles import read_backtest, read_backtest_residuals, start_bundle

    try:
        candidate, scored = start_bundle(bundle).bundle, figures_of or bundle
        figures = read_backtest(scored, candidate.name)
        residuals = read_backtest_residuals(scored, candidate.spec)
        shipped = max((v for name, v, _ in list_versions(SHIPPED) if name == candidate.name), default=0)
        print(f"published: {publish_bundle(bundle, to, figures, residuals, above=shipped)}")
    except (FileNotFoundError, ValueError) as error:
        raise typer.BadParameter(str(error)) from None


@app.command()
def export(
    bundle: Annotated[Path, typer.Option(help="A published bundle's folder.")],
    to: Annotated[Path, typer.Option(help="Where bundles are published: CHARTCAST_MODELS_DIR.")],
) -> None:
    """Write a bundle's graphs anew from its Keras model, as the next version: what it says stays the same."""
    from training.bundles import export_anew

    try:
        print(f"published: {export_anew(bundle, to)}")
    except ValueError as error:
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

    for panel in read_charts(data, tracks, None, region):
        for horizon in range(1, MAX_HORIZON + 1):
            print(panel.region, horizon, chart_weekday_quantiles(panel, horizon))
