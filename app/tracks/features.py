"""A track's features and the ranges they must lie in, the same for every way in."""

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from app.forecasting.spec import FEATURES
from app.track_ids import TrackId

_RELEASE_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_LARGEST_INTEGER = 2**31 - 1  # of the column
EXAMPLE_FEATURES: dict[str, Any] = {
    "danceability": 0.578,
    "energy": 0.574,
    "key": 2,
    "loudness": -6.209,
    "mode": 1,
    "speechiness": 0.0454,
    "acousticness": 0.196,
    "instrumentalness": 0.0,
    "liveness": 0.083,
    "valence": 0.301,
    "tempo": 174.152,
    "duration_ms": 261240,
    "time_signature": 4,
    "release_date": "2016-11-17",
}


def parse_release_date(text: str) -> str | None:
    """Return ``text`` if it is a real year, month or day; None for ``0000``, the publisher's unknown.

    Raises:
        ValueError: it is none of them.
    """
    match = _RELEASE_DATE.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a date; send YYYY, YYYY-MM or YYYY-MM-DD")
    if match[0] == "0000":
        return None
    dt.date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    return match[0]


def parse_name(text: str | None) -> str | None:
    """Return the name without the blanks around it, None for an empty one.

    Raises:
        ValueError: it holds what no store keeps as text: a NUL or half a surrogate pair.
    """
    if text is not None and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("holds a character that is no text")
    return (text or "").strip() or None


Share = Annotated[float, Field(ge=0, le=1)]


ReleaseDate = Annotated[str, AfterValidator(parse_release_date)]
RELEASE_DATE_FORM = "^([0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?)?$"


def empty_is_null(value: object) -> object:
    """None for a text of blanks, anything else as it is."""
    return None if isinstance(value, str) and not value.strip() else value


class AudioFeatures(BaseModel):
    """The 13 audio features; each may be left out, or null where it is unknown."""

    model_config = ConfigDict(allow_inf_nan=False)

    danceability: Share | None = None
    energy: Share | None = None
    key: Annotated[int, Field(ge=-1, le=11, description="-1: unknown")] | None = None
    loudness: Annotated[float, Field(ge=-60, le=5, description="dB")] | None = None
    mode: Annotated[int, Field(ge=0, le=1, description="1: major")] | None = None
    speechiness: Share | None = None
    acousticness: Share | None = None
    instrumentalness: Share | None = None
    liveness: Share | None = None
    valence: Share | None = None
    tempo: Annotated[float, Field(ge=0, le=300, description="beats a minute")] | None = None
    duration_ms: Annotated[int, Field(ge=1, le=_LARGEST_INTEGER)] | None = None
    time_signature: Annotated[int, Field(ge=0, le=7)] | None = None

    @field_validator(*FEATURES, mode="before")
    @classmethod
    def _only_plain_numbers(cls, value: object) -> object:
        # Left alone, pydantic reads true as 1 and "0_1" as 1.
        if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
            raise ValueError("not a number")
        return empty_is_null(value)


class Features(AudioFeatures):
    """The 13 audio features and the release date; each may be left out, or null where it is unknown."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [EXAMPLE_FEATURES]})

    release_date: ReleaseDate | None = Field(
        default=None,
        description="YYYY, YYYY-MM or YYYY-MM-DD",
        json_schema_extra={"pattern": RELEASE_DATE_FORM},
    )

    _empty_release_date_is_null = field_validator("release_date", mode="before")(empty_is_null)


class MetadataRow(Features):
    """One row of a metadata file. Names only fill in where the store has none."""

    model_config = ConfigDict(extra="ignore")

    track_id: TrackId
    track_name: Annotated[str | None, AfterValidator(parse_name)] = None
    artist: Annotated[str | None, AfterValidator(parse_name)] = None
