"""Two models on the same days: which is better, and is it more than noise."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from app.forecasting.forecaster import Forecaster
from training.backtest import add_forecasts, build_cells
from training.bootstrap import bootstrap_ratio
from training.panel import Panel

CHALLENGER, CHAMPION = "challenger", "champion"
HORIZONS = range(1, 8)


@dataclass(frozen=True)
class Comparison:
    """A challenger's errors over a champion's, on the same cells.

    Attributes:
        first: The first cutoff.
        last: The last one.
        cells: How many forecasts of the next day were scored.
        ratio: MAE of the next day, the challenger's over the champion's.
        low: Of its 90% interval.
        high: Of its 90% interval.
        week_ratio: The same over all days ahead.
        challenger_to_naive: MAE of the next day over the naive forecast's.
        champion_to_naive: Likewise.
        by_region: ``ratio`` of each region.
    """

    first: str
    last: str
    cells: int
    ratio: float
    low: float
    high: float
    week_ratio: float
    challenger_to_naive: float
    champion_to_naive: float
    by_region: dict[str, float]

    @property
    def is_won(self) -> bool:
        """The next day is better by more than noise, and the days ahead together are no worse."""
        return self.high < 1 and self.week_ratio <= 1

    def to_json(self) -> dict[str, Any]:
        """For a run's record."""
        return asdict(self) | {"is_won": self.is_won}

    def __str__(self) -> str:
        return (
            f"MAE {self.ratio:.4f} of the champion's (90% interval {self.low:.4f} to {self.high:.4f}), "
            f"{self.week_ratio:.4f} over {len(HORIZONS)} days ahead; of naive {self.challenger_to_naive:.3f},"
            f" {self.champion_to_naive:.3f}; {self.cells} forecasts, cutoffs {self.first} to {self.last}"
        )


def compare(
    panels: Sequence[Panel],
    challenger: Forecaster,
    champion: Forecaster | None,
    *,
    first: np.datetime64,
    last: np.datetime64,
) -> Comparison:
    """Score two models on every cutoff from ``first`` to ``last``.

    Errors are counted in multiples of the naive forecast's, by region and days ahead: so a region counts by
    its forecasts and not by its streams.

    Args:
        panels: Regions that hold the period.
        challenger: The one.
        champion: The other; None: the ``chart_weekday`` baseline.
        first: The first cutoff.
        last: The last one.

    Raises:
        ValueError: a panel does not hold the period.
    """
    scored = [_score(panel, challenger, champion, first, last) for panel in panels]
    cells = pd.concat(scored, ignore_index=True)
    next_day = cells[cells["horizon"] == 1]
    errors = _errors(next_day)
    interval = bootstrap_ratio(next_day, CHALLENGER, CHAMPION)
    return Comparison(
        first=str(first),
        last=str(last),
        cells=int(next_day["actual"].notna().sum()),
        ratio=interval.ratio,
        low=interval.low_90,
        high=interval.high_90,
        week_ratio=_ratio(cells),
        challenger_to_naive=errors[CHALLENGER] / errors["naive"],
        champion_to_naive=errors[CHAMPION] / errors["naive"],
        by_region={str(region): _ratio(part) for region, part in next_day.groupby("region")},
    )


def _score(
    panel: Panel,
    challenger: Forecaster,
    champion: Forecaster | None,
    first: np.datetime64,
    last: np.datetime64,
) -> pd.DataFrame:
    cells = build_cells(panel, first, last, HORIZONS)
    # Days 2 to 7 by the direct forecasts: the service moves those of both alike, at a hundred times the time.
    known = {} if champion is None else {CHAMPION: champion}
    cells = add_forecasts(cells, panel, {CHALLENGER: challenger, **known})
    if champion is None:
        cells = cells.assign(**{CHAMPION: cells["chart_weekday"]})
    in_streams = ["actual", "naive", CHALLENGER, CHAMPION]
    naive = (cells["naive"] - cells["actual"]).abs().groupby(cells["horizon"]).transform("mean")
    return cells[["date", "horizon"]].join(cells[in_streams].div(naive, axis=0)).assign(region=panel.region)


def _errors(cells: pd.DataFrame) -> dict[str, float]:
    known = cells[cells["actual"].notna()]
    methods = ["naive", CHALLENGER, CHAMPION]
    return {m: float((known[m] - known["actual"]).abs().mean()) for m in methods}


def _ratio(cells: pd.DataFrame) -> float:
    errors = _errors(cells)
    return errors[CHALLENGER] / errors[CHAMPION]
