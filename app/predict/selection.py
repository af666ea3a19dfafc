"""Which model answers."""

from dataclasses import dataclass
from math import inf

from app.errors import ConflictError
from app.forecasting.gate import Verdict
from app.model_store import RunningModel

Models = dict[str, RunningModel]


@dataclass(frozen=True)
class Choice:
    """A model, or None for the baseline, and why."""

    model: RunningModel | None
    reason: str


def select_model(models: Models, requested: str, *, region: str, has_metadata: bool) -> Choice:
    """The model that a request means.

    Raises:
        ConflictError: it names a model that is not loaded.
    """
    if requested == "baseline":
        return Choice(None, "baseline was asked for by name")
    if requested == "auto":
        return _best(models, region, has_metadata)
    if requested in models:
        return Choice(models[requested], f"{requested} was asked for by name")
    loaded = ", ".join(sorted(models)) or "none"
    raise ConflictError(
        f"Model {requested} is not loaded; there is baseline, and of trained models: {loaded}."
    )


def heed_past(choice: Choice, verdict: Verdict, *, region: str) -> Choice:
    """The model of ``choice``, or the baseline where its own past in the region says so."""
    if choice.model is None or (verdict.trusted and not verdict.scored_days):
        return choice
    name, ratio = choice.model.bundle.name, f"{verdict.ratio:.3f}"
    if not verdict.trusted:
        said = f"{name}'s next-day error was {ratio} of chart_weekday's {_period(verdict, region)}"
        return Choice(None, f"baseline, as {said}")
    return Choice(choice.model, f"{choice.reason}; {ratio} of chart_weekday's {_period(verdict, region)}")


def _period(verdict: Verdict, region: str) -> str:
    if not verdict.scored_days:
        return "in its backtest"
    if verdict.scored_days >= verdict.days:
        return f"over the last {verdict.days} days in {region}"
    days = f"{verdict.scored_days} day{'s' if verdict.scored_days > 1 else ''}"
    return f"over its {days} in {region} so far, filled up to {verdict.days} by its backtest"


def _best(models: Models, region: str, has_metadata: bool) -> Choice:
    recurrent = {name: model for name, model in models.items() if name != "multi_input"}
    candidates = models if has_metadata else recurrent
    if not candidates:
        track = "" if has_metadata or not models else " for a track without metadata"
        return Choice(None, f"baseline, as no trained model is loaded{track}")
    ratios = {name: model.error_ratio(region) for name, model in candidates.items()}
    best = min(ratios, key=lambda name: ratios[name])
    metadata = "the track has metadata" if has_metadata else "the track has no metadata"
    return Choice(candidates[best], f"{metadata}, and {_why_best(best, ratios[best])}")


def _why_best(name: str, ratio: float) -> str:
    if ratio == inf:
        return f"{name} is loaded, with no backtest to go by"
    return f"{name} has the smallest next-day error in the backtests, {ratio:.3f} of chart_weekday's"
