"""The head that is served: fitted on all days, for as many epochs as the folds say."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.forecasting.bundle_files import Golden
from app.forecasting.presence import INPUTS, NAME
from app.forecasting.row_bundle import ROWS, RowBundle, save_row_bundle
from training.data import fingerprint
from training.golden import build_golden_panel
from training.panel import Panel
from training.row_models import GOLDEN_ROWS, build_row_bundle
from training.systems.presence.blocks import BLOCKS
from training.systems.presence.cells import build_cells, join
from training.systems.presence.network import RANK, Chosen, Head, NetworkSettings, fit_head, next_days
from training.systems.presence.protocol import ONE_DAY, to_outputs
from training.systems.presence.tasks import CONTESTED


def write_candidate(
    panels: Sequence[Panel],
    settings: NetworkSettings,
    chosen: Chosen,
    figures: Mapping[str, Any],
    folder: Path,
) -> None:
    """Fit the head on all days of the charts and write it as a candidate bundle.

    Args:
        panels: The charts.
        settings: How.
        chosen: What the last fold's validation chose.
        figures: Of heads fitted the same way on earlier days, as ``summarise`` has them.
        folder: Must not exist.
    """
    cells = join(
        [build_cells(panel, panel.days[0], panel.days[-1] - ONE_DAY, panel.days[-1]) for panel in panels]
    )
    head = fit_head(cells, None, next_days, settings, chosen=chosen)
    training = {
        "settings": asdict(settings),
        "epochs": list(chosen.epochs),
        "calibration": {name: values.tolist() for name, values in chosen.calibration.items()},
        "cells": len(cells),
        "regions": {panel.region: [str(panel.days[0]), str(panel.days[-1])] for panel in panels},
        "data": fingerprint(panels),
    }
    trained_through = str(max(panel.days[-1] for panel in panels))
    backtest = shorten(figures)
    bundle = build_bundle(head, trained_through=trained_through, training=training, backtest=backtest)
    save_row_bundle(bundle, folder, {})


def shorten(figures: Mapping[str, Any]) -> dict[str, Any]:
    """What of the figures a bundle carries: of all folds together those that rivals took part in, and of each
    fold its days.
    """
    labels = [task.label for task in CONTESTED if task.label in figures.get("tasks", {})]
    days = ("train_through", "validate_through", "cutoffs", "epochs")
    tasks = {
        label: {k: v for k, v in figures["tasks"][label].items() if k != "reliability"} for label in labels
    }
    return {
        "folds": {name: {day: fold[day] for day in days} for name, fold in figures.get("folds", {}).items()},
        "tasks": _rounded(tasks),
        "rank_mae": _rounded(figures.get("rank_mae", {})),
    }


def _rounded(figures: Any) -> Any:
    if isinstance(figures, dict):
        return {name: _rounded(value) for name, value in figures.items()}
    return round(figures, 5) if isinstance(figures, float) else figures


def build_bundle(
    head: Head, *, trained_through: str, training: dict[str, Any], backtest: dict[str, Any]
) -> RowBundle:
    """An unpublished bundle of fitted networks; its golden rows are of an invented chart."""
    panel = build_golden_panel()
    rows = build_cells(panel, panel.days[-30], panel.days[-1], panel.days[-1]).rows[:GOLDEN_ROWS]
    return build_row_bundle(
        NAME,
        inputs=INPUTS,
        blocks=BLOCKS,
        layers=head.to_layers(("chart", "top50", RANK)),
        golden=Golden({ROWS: rows}, to_outputs(head.answer(rows))),
        trained_through=trained_through,
        training=training,
        backtest=backtest,
    )
