"""What a request may ask of a region, of a model and of a track's past."""

import datetime as dt

from app.errors import ConflictError, InvalidRequestError
from app.predict import schemas
from app.predict.intervals import LEVELS
from app.predict.selection import Choice
from app.repository.regions import RegionState
from app.repository.track_records import TrackRecord

BASELINE_CONTEXT = 28  # days; a track off the chart for longer gets no forecast from the baseline

Asked = schemas.PredictRequest | schemas.BatchRequest


def check_as_of(as_of: dt.date | None, region: RegionState) -> dt.date:
    """The day asked for, the region's last by default.

    Raises:
        InvalidRequestError: it lies after the region's last day.
    """
    if as_of is None:
        return region.last_day
    if as_of > region.last_day:
        raise InvalidRequestError(
            f"as_of {as_of} lies after {region.last_day}, the last day ingested for {region.code}: "
            "ask with an earlier one, or ingest the days up to it.",
            errors=[("as_of", f"after {region.last_day}")],
        )
    return as_of


def check_levels(choice: Choice, asked: Asked) -> None:
    """Hold the levels to what the model gives.

    Raises:
        InvalidRequestError: it gives no such interval.
    """
    offered = LEVELS if choice.model is None else choice.model.bundle.spec.levels
    if unknown := sorted(set(asked.levels).difference(offered)):
        known = ", ".join(map(str, offered))
        raise InvalidRequestError(
            f"There is no interval of level {unknown[0]}: the levels are {known}.",
            errors=[("levels", f"not among {known}")],
        )


def check_recent(record: TrackRecord, choice: Choice, *, region: str, as_of: dt.date) -> None:
    """Hold the track's last day on the chart to what the model sees.

    Raises:
        ConflictError: it lies more than the context length before ``as_of``.
    """
    context = BASELINE_CONTEXT if choice.model is None else choice.model.bundle.spec.context_length
    if not record.entries.days or (as_of - record.entries.days[-1]).days > context:
        raise ConflictError(
            f"Track {record.facts.track_id} was last on the {region} chart more than {context} days before "
            f"{as_of}: too long ago to forecast from. Ask with an as_of nearer to its chart days."
        )
