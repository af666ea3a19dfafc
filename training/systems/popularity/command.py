"""``python -m training popularity``: how well new tracks do, told on the eve of their entry."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from training.options import DataOption, RegionOption, StoreOption, TracksOption, read_charts
from training.panel import Panel
from training.runs import Record

SEEDS = (1, 2, 3, 4, 5)


def popularity(
    seed: Annotated[list[int] | None, typer.Option(help="Of each fit; 1 to 5 if left out.")] = None,
    publish: Annotated[
        Path | None, typer.Option(help="Fit on all days too, and publish that into this folder of bundles.")
    ] = None,
    data: DataOption = None,
    tracks: TracksOption = None,
    database_url: StoreOption = None,
    region: RegionOption = None,
) -> Record:
    """Score the paper's networks and their rivals on the folds' new tracks (docs/systems.md)."""
    from training.data import fingerprint
    from training.systems.popularity.report import to_markdown

    panels = read_charts(data, tracks, database_url, region)
    try:
        result, published = run(panels, seed or list(SEEDS), publish)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    print(to_markdown(result))
    if published is not None:
        print(f"published: {published}")
    return {"models": ["popularity"], "data": fingerprint(panels), "figures": result}


def run(panels: list[Panel], seeds: list[int], publish: Path | None) -> tuple[dict[str, Any], Path | None]:
    """The study's figures and, where wanted, the folder of what was published.

    Raises:
        ValueError: the charts are too short for the folds.
    """
    from app.forecasting.row_bundle import save_row_bundle
    from training.data import fingerprint
    from training.folds import FOLDS
    from training.row_models import publish_row_model
    from training.systems.popularity.contestants import Boosting, HitMusicNet, Logistic, Prior
    from training.systems.popularity.publishing import fit_bundle
    from training.systems.popularity.rows import build_rows
    from training.systems.popularity.study import Study, build_lesson, summarise

    net = HitMusicNet()
    study = Study(build_rows(panels), [Prior(), Logistic(), Boosting(), net], seeds)
    tests = [study.test(fold) for fold in FOLDS if len(study.asked_in(fold))]
    if not tests:
        raise ValueError("no track enters in a fold's test whose 60 days are over")
    result = summarise(tests, net.name, "logistic")
    if publish is None:
        return result, None
    through = max(panel.days[-1] for panel in panels)
    lesson, scale = build_lesson(study.rows, through)
    bundle = fit_bundle(
        net,
        lesson,
        scale,
        choice=study.choose(net, FOLDS[-1].validate_through),
        seeds=seeds,
        through=through,
        backtest=result,
        data=fingerprint(panels),
    )
    with tempfile.TemporaryDirectory() as folder:
        candidate = Path(folder) / "candidate"
        save_row_bundle(bundle, candidate, {})
        return result, publish_row_model(candidate, publish)
