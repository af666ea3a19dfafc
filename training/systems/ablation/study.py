"""The ablation from charts to tables; what is fitted is kept, and a run goes on where it stopped."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from training.backtest import build_cells
from training.data import fingerprint
from training.folds import Fold
from training.panel import Panel
from training.protocol import OtherRunError
from training.systems.ablation.figures import HORIZONS, in_naive_errors, label, summarise
from training.systems.ablation.fitting import Budget, fit_variant, forecast_variant
from training.systems.ablation.report import to_markdown
from training.systems.ablation.variants import FULL, VARIANTS, Variant

RUN, FIGURES, TABLES = "run.json", "ablation.json", "ablation.md"


def choose_variants(names: Sequence[str]) -> list[Variant]:
    """The variants of these names (none: all), with those that they are held against, in order.

    Raises:
        ValueError: there is no variant of a name.
    """
    known = {variant.name: variant for variant in VARIANTS}
    if unknown := sorted(set(names).difference(known)):
        raise ValueError(f"there is no variant {', '.join(unknown)}; there are {', '.join(known)}")
    wanted = set(names or known)
    wanted |= {FULL.name, *(known[name].against for name in wanted)}
    return [variant for variant in VARIANTS if variant.name in wanted]


def run_ablation(
    variants: Sequence[Variant],
    seeds: Sequence[int],
    budget: Budget,
    fold: Fold,
    panels: Sequence[Panel],
    folder: Path,
) -> dict[str, Any]:
    """Fit every variant with every seed, score them on the fold's validation period, and write the figures.

    No day after the fold's validation period is looked at.

    Args:
        variants: What to turn off, after what that is held against.
        seeds: Each variant is fitted with each.
        budget: How.
        fold: Whose days.
        panels: The charts, a panel a region.
        folder: Of this run; what is there already is not fitted again.

    Raises:
        OtherRunError: ``folder`` belongs to a run on other data or of another budget.
        ValueError: the charts do not hold the fold's days.
    """
    panels = [panel.until(fold.validate_through) for panel in panels]
    _claim(folder, budget, fold, panels)
    for variant in variants:
        for seed in seeds:
            fit_variant(variant, seed, budget, fold, panels, folder)
    cells = [_forecast(variants, seeds, fold, panel, folder) for panel in panels]
    result = {
        "fold": {name: str(value) for name, value in asdict(fold).items()},
        "budget": asdict(budget),
        "seeds": list(seeds),
        "regions": [panel.region for panel in panels],
        "about": {variant.name: variant.about for variant in variants},
        "groups": summarise(pd.concat(cells, ignore_index=True), variants, seeds),
    }
    (folder / FIGURES).write_text(json.dumps(result, indent=2) + "\n")
    (folder / TABLES).write_text(to_markdown(result) + "\n")
    return result


def _claim(folder: Path, budget: Budget, fold: Fold, panels: Sequence[Panel]) -> None:
    """Write what the folder is for, or check that it is for this."""
    run = {"data": fingerprint(panels), "budget": asdict(budget), "fold": fold.name}
    path = folder / RUN
    if path.exists():
        found = json.loads(path.read_text())
        if different := [name for name in run if run[name] != found.get(name)]:
            raise OtherRunError(f"{folder} is of a run with other {' and '.join(different)}: name another")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run, indent=2) + "\n")


def _forecast(
    variants: Sequence[Variant], seeds: Sequence[int], fold: Fold, panel: Panel, folder: Path
) -> pd.DataFrame:
    """The cells of a region's validation period with every fit's forecasts."""
    cells = build_cells(panel, *fold.validation_cutoffs, HORIZONS)
    forecasts = {
        label(variant.fit, seed): forecasts
        for variant in variants
        for seed, forecasts in forecast_variant(variant, seeds, cells, panel, folder).items()
    }
    return in_naive_errors(cells, forecasts)
