"""Which model answers."""

from dataclasses import dataclass

from app.errors import ConflictError
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
        return Choice(None, "asked for by name")
    if requested == "auto":
        return _best(models, region, has_metadata)
    if requested in models:
        return Choice(models[requested], "asked for by name")
    loaded = ", ".join(sorted(models)) or "none"
    raise ConflictError(
        f"Model {requested} is not loaded; there is baseline, and of trained models: {loaded}."
    )


def _best(models: Models, region: str, has_metadata: bool) -> Choice:
    recurrent = {name: model for name, model in models.items() if name != "multi_input"}
    candidates = models if has_metadata else recurrent
    if not candidates:
        return Choice(None, "no trained model is loaded for a track like this")
    ratios = {name: model.error_ratio(region) for name, model in candidates.items()}
    best = min(ratios, key=lambda name: ratios[name])
    metadata = "the track has metadata" if has_metadata else "the track has no metadata"
    return Choice(
        candidates[best],
        f"{metadata}; smallest next-day error in the backtests, {ratios[best]:.3f} of chart_weekday's",
    )
