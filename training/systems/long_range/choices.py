"""What the rolling was chosen by: its variants on the validation period of one fold, before any test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from app.forecasting.calibration import calibrate, score_quantiles, take_logs
from app.forecasting.forecaster import Forecast, Forecaster
from app.forecasting.history import Floats, History
from app.forecasting.long_range import STRETCH
from app.forecasting.market_covariates import HORIZON, MarketCovariates, build_market_covariates
from app.forecasting.rolling import (
    MAX_HORIZON,
    count_blocks,
    days_at_a_time,
    extend_market,
    roll_chart,
    roll_history,
)
from app.forecasting.sample_paths import SamplePaths, draw_scores
from training.folds import Fold
from training.panel import Panel
from training.recursion import long_calendar, market_until
from training.report import LEVELS, to_table
from training.systems.long_range.cells import (
    Origin,
    build_long_cells,
    find_origins,
    place,
    roll_origin,
    spread_cutoffs,
)

FED_PATHS = 50  # of the variant in which every path is fed back
LATER_WEEKS = (2, 3, 4)


@dataclass(frozen=True)
class Setting:
    """What a variant starts from: an origin, and the markets that it may build on."""

    panel: Panel
    forecaster: Forecaster
    origin: Origin
    markets: Mapping[str, MarketCovariates]


def _build_markets(panel: Panel, forecaster: Forecaster, origin: Origin) -> dict[str, MarketCovariates]:
    """The market standing still, by its rhythm, and as the chart is forecast to move."""
    known, calendar = market_until(panel, origin.cutoff), long_calendar(panel)
    blocks = count_blocks(forecaster.spec)
    still = build_market_covariates(extend_market(known, np.zeros(MAX_HORIZON)), calendar)
    market = known
    for _ in range(blocks):
        covariates = build_market_covariates(market, calendar)
        market = extend_market(market, np.diff(covariates.rhythm[len(covariates) - 1], prepend=0.0))
    rhythm = build_market_covariates(market, calendar)
    steps = (*days_at_a_time(forecaster.spec), HORIZON)  # forecasts by days want the last week too
    chart = roll_chart(forecaster, origin.history, known, calendar, steps).market
    return {"still": still, "rhythm": rhythm, "chart": chart}


def _feed_medians(market: str, block: int) -> Callable[[Setting], Floats]:
    """Days 8 on by so many a time, over one of the markets."""

    def forecast(setting: Setting) -> Floats:
        parts, history = [setting.origin.head.median], setting.origin.history
        for _ in range(0, MAX_HORIZON - HORIZON, block):
            history = roll_history(history, parts[-1])
            parts.append(setting.forecaster.forecast(history, setting.markets[market]).median[:, :block])
        return np.concatenate(parts, axis=1)

    return forecast


def _feed_means(setting: Setting) -> Floats:
    """Blocks of 7 over the chart's market, each feeding its mean: that of its quantiles' draws."""
    origin, forecaster = setting.origin, setting.forecaster
    forecast, history, parts = origin.head, origin.history, [origin.head.median]
    track_ids = [setting.panel.track_ids[track] for track in origin.tracks]
    scores = draw_scores(setting.panel.region, "means", track_ids, count_blocks(forecaster.spec))
    for block in range(1, count_blocks(forecaster.spec)):
        logs = take_logs(forecast.quantiles)
        middle = logs[:, :, forecaster.spec.quantile_levels.index(0.5)]
        drawn = SamplePaths(scores[:, block - 1 :], forecast.quantile_levels).draw(logs - middle[:, :, None])
        history = roll_history(history, np.exp(middle[:, :, None] + drawn).mean(axis=2))
        forecast = _calibrated(setting, history, origin.observed_days + block * HORIZON)
        parts.append(forecast.median)
    return np.concatenate(parts, axis=1)


def _feed_paths(setting: Setting) -> Floats:
    """Blocks of 7 over the chart's market, each path a history of its own. (tracks, 28, levels)"""
    origin, forecaster = setting.origin, setting.forecaster
    levels, n_tracks = forecaster.spec.quantile_levels, len(origin.tracks)
    track_ids = [setting.panel.track_ids[track] for track in origin.tracks]
    scores = draw_scores(setting.panel.region, "paths", track_ids, count_blocks(forecaster.spec))
    of_paths = (
        scores[:, :, :: scores.shape[2] // FED_PATHS].transpose(0, 2, 1).reshape(-1, scores.shape[1], 1)
    )
    history = _repeat(origin.history, FED_PATHS)
    observed = np.repeat(origin.observed_days, FED_PATHS)
    forecast = Forecast(np.repeat(origin.head.quantiles, FED_PATHS, axis=0), levels)
    parts = [origin.head.quantiles]
    for block in range(1, count_blocks(forecaster.spec) + 1):
        logs = take_logs(forecast.quantiles)
        middle = logs[:, :, levels.index(0.5)]
        drawn = SamplePaths(of_paths[:, block - 1 :], levels).draw(logs - middle[:, :, None])[:, :, 0]
        paths = (middle + drawn).reshape(n_tracks, FED_PATHS, -1)
        if block > 1:
            quantiles = np.quantile(paths, levels, axis=1, method="weibull")
            parts.append(np.exp(quantiles.transpose(1, 2, 0)))
        if block < count_blocks(forecaster.spec):
            history = roll_history(history, np.exp(middle + drawn))
            forecast = _calibrated(setting, history, observed + block * HORIZON)
    return np.concatenate(parts, axis=1)


def _repeat(history: History, times: int) -> History:
    return History(*(np.repeat(getattr(history, field.name), times, axis=0) for field in fields(history)))


def _calibrated(setting: Setting, history: History, observed_days: Any) -> Forecast:
    forecast = setting.forecaster.forecast(history, setting.markets["chart"])
    return calibrate(forecast, observed_days, setting.origin.factors)


POINTS: dict[str, Callable[[Setting], Floats]] = {
    "7 days, chart's market": _feed_medians("chart", 7),
    "7 days, market's rhythm": _feed_medians("rhythm", 7),
    "7 days, market still": _feed_medians("still", 7),
    "3 days, chart's market": _feed_medians("chart", 3),
    "3 days, market's rhythm": _feed_medians("rhythm", 3),
    "1 day, chart's market": _feed_medians("chart", 1),
    "1 day, market's rhythm": _feed_medians("rhythm", 1),
    "7 days, means fed": _feed_means,
}
SERVED, PATHS_FED = "served, before the stretch", "every path fed"


def compare_variants(fold: Fold, panel: Panel, forecaster: Forecaster) -> pd.DataFrame:
    """The cells of a fold's validation with every variant: a column each, and quantiles of two of them.

    No target lies after the period. Its first weeks have little to calibrate by.
    """
    known = panel.until(fold.validate_through)
    cutoffs = spread_cutoffs(*fold.validation_cutoffs)
    cells = build_long_cells(known, cutoffs)
    parts = []
    for origin in find_origins(known, forecaster, cutoffs, fold.train_through):
        of = cells[cells["cutoff"] == origin.cutoff]
        at = place(of, origin)
        setting = Setting(known, forecaster, origin, _build_markets(known, forecaster, origin))
        columns = {name: forecast(setting)[at] for name, forecast in POINTS.items()}
        served = roll_origin(known, forecaster, origin, np.ones_like(STRETCH))
        for name, quantiles in ((SERVED, served.quantiles), (PATHS_FED, _feed_paths(setting))):
            values = quantiles[at]
            columns |= {f"{name}@{level}": values[:, i] for i, level in enumerate(served.quantile_levels)}
            columns[name] = columns[f"{name}@0.5"]
        parts.append(of.assign(**columns))
    return pd.concat(parts)


def measure_stretch(cells: pd.DataFrame, levels: tuple[float, ...]) -> dict[str, dict[str, float]]:
    """By week and interval level: what to multiply both bounds with for it to hold as often as it says."""
    names = [f"{SERVED}@{level}" for level in levels]
    outer = [level for level in levels if level != 0.5]
    found = {}
    for week in LATER_WEEKS:
        of = cells[(-(-cells["horizon"] // HORIZON) == week) & cells["actual"].notna()]
        logs, actual = np.log(of[names].to_numpy()), np.log(np.maximum(of["actual"].to_numpy(), 1.0))
        scores = score_quantiles(logs, actual, levels)
        found[str(week)] = {
            str(level): float(
                np.quantile(np.maximum(*(scores[:, outer.index(q)] for q in bounds)), level / 100)
            )
            for level, bounds in LEVELS.items()
        }
    return found


def measure_dependence(fold: Fold, panel: Panel, forecaster: Forecaster) -> dict[str, float]:
    """How the misses of calibrated forecasts of the seventh day hang together, as normal scores.

    Returns:
        market_share: of their variance, what all tracks of a cutoff have in common; own_persistence and
        market_persistence: correlations with those of the forecasts made 7 days later.
    """
    known = panel.until(fold.validate_through)
    first, last = fold.validation_cutoffs
    parts = [
        _miss(known, origin)
        for origin in find_origins(known, forecaster, np.arange(first, last + 1), fold.train_through)
        if origin.cutoff + HORIZON < len(known.days)
    ]
    misses = pd.concat(parts).dropna()
    common = misses.groupby("cutoff")["score"].mean()
    misses["own"] = misses["score"] - misses["cutoff"].map(common)
    later = misses.assign(cutoff=misses["cutoff"] - HORIZON)
    pairs = misses.merge(later, on=["track", "cutoff"])
    days = common.to_frame("now").join(common.rename(lambda day: day - HORIZON).rename("then")).dropna()
    return {
        "market_share": float(common.var() / misses["score"].var()),
        "own_persistence": float(pairs["own_x"].corr(pairs["own_y"])),
        "market_persistence": float(days["now"].corr(days["then"])),
    }


def _miss(panel: Panel, origin: Origin) -> pd.DataFrame:
    """Where in its quantiles each seventh day fell, as a normal score."""
    levels = origin.head.quantile_levels
    logs = take_logs(origin.head.quantiles)[:, HORIZON - 1]
    actual = np.log(panel.streams[origin.tracks, origin.cutoff + HORIZON])
    knots = [NormalDist().inv_cdf(level) for level in levels]
    scores = [np.interp(value, row, knots) for value, row in zip(actual, logs, strict=True)]
    return pd.DataFrame({"track": origin.tracks, "cutoff": origin.cutoff, "score": scores})


def describe_choices(fold: Fold, panel: Panel, forecaster: Forecaster) -> dict[str, Any]:
    """All figures that the rolling was chosen by: errors, coverage, stretch and dependence."""
    cells = compare_variants(fold, panel, forecaster)
    known = cells[cells["actual"].notna()].assign(week=lambda of: -(-of["horizon"] // HORIZON))
    names = [*POINTS, SERVED, PATHS_FED]
    return {
        "fold": fold.name,
        "cutoffs": int(cells["date"].nunique()),
        "to_naive": {str(week): _to_naive(of, names) for week, of in known.groupby("week")},
        "coverage": {
            name: {str(week): _coverage(of, name) for week, of in known.groupby("week")}
            for name in (SERVED, PATHS_FED)
        },
        "stretch": measure_stretch(cells, forecaster.spec.quantile_levels),
        "dependence": measure_dependence(fold, panel, forecaster),
    }


def _to_naive(cells: pd.DataFrame, names: list[str]) -> dict[str, float]:
    errors = cells[["naive", *names]].sub(cells["actual"], axis=0).abs().mean()
    return {name: float(errors[name] / errors["naive"]) for name in names}


def _coverage(cells: pd.DataFrame, name: str) -> dict[str, float]:
    bounds = {
        level: (cells[f"{name}@{low}"], cells[f"{name}@{high}"]) for level, (low, high) in LEVELS.items()
    }
    return {str(level): float(100 * cells["actual"].between(*of).mean()) for level, of in bounds.items()}


def to_markdown(choices: Mapping[str, Any]) -> str:
    """The tables."""
    weeks = choices["to_naive"]
    errors = [["variant", *(f"week {week}" for week in weeks)]]
    for name in next(iter(weeks.values())):
        errors.append([name, *(f"{of[name]:.3f}" for of in weeks.values())])
    covers = [["intervals", *(f"week {week}" for week in weeks)]]
    for name, by_week in choices["coverage"].items():
        covers.append(
            [name, *(" / ".join(f"{share:.1f}" for share in of.values()) for of in by_week.values())]
        )
    stretch = [["week", *(str(level) for level in LEVELS)]]
    for week, of_levels in choices["stretch"].items():
        stretch.append([week, *(f"{factor:.3f}" for factor in of_levels.values())])
    said = ", ".join(f"{name} {value:.2f}" for name, value in choices["dependence"].items())
    return "\n\n".join(
        [
            f"Validation of fold {choices['fold']}, {choices['cutoffs']} cutoffs: MAE over naive's",
            to_table(errors),
            "Coverage of the 50 / 80 / 95% intervals",
            to_table(covers),
            "What to stretch the served bounds by",
            to_table(stretch),
            f"Misses of the seventh day: {said}",
        ]
    )
