"""What ``POST /popularity`` takes and answers."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from app.dates import IsoDate
from app.regions import RegionCode
from app.track_ids import TrackId
from app.tracks.features import (
    EXAMPLE_FEATURES,
    RELEASE_DATE_FORM,
    AudioFeatures,
    ReleaseDate,
    empty_is_null,
    parse_name,
)

ClassName = Literal["low", "medium", "high"]
Share = Annotated[float, Field(ge=0, le=1)]

_AUDIO = {name: value for name, value in EXAMPLE_FEATURES.items() if name != "release_date"}


class GivenFeatures(AudioFeatures):
    """The 13 audio features of a track that the store need not know; each may be left out."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_AUDIO]})


class PopularityRequest(BaseModel):
    """A track: one that the store knows, or one that is described here."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"track_id": "4umIPjkehX1r7uhmGvXiSV", "region": "ph"},
                {
                    "features": _AUDIO,
                    "artist": "Bruno Mars",
                    "release_date": "2020-12-11",
                    "region": "ph",
                    "as_of": "2020-12-10",
                },
            ]
        },
    )

    track_id: TrackId | None = Field(default=None, description="A track of the store; else send features.")
    features: GivenFeatures | None = Field(
        default=None, description="What is known of the track, be it nothing ({}); else send track_id."
    )
    artist: Annotated[str | None, Field(max_length=500), AfterValidator(parse_name)] = Field(
        default=None,
        description="With features: the artist as charts write it (of several, the first counts), or its "
        "artist_id.",
    )
    release_date: ReleaseDate | None = Field(
        default=None,
        description="With features: YYYY, YYYY-MM or YYYY-MM-DD. The entry is taken for the day after as_of: "
        "a later release counts as one on that day.",
        json_schema_extra={"pattern": RELEASE_DATE_FORM},
    )
    region: RegionCode | None = Field(
        default=None, description="Left out: the one in the settings, else the only one in the store."
    )
    as_of: IsoDate | None = Field(
        default=None,
        description="The last day the answer may know of, the eve of the entry; the region's last ingested "
        "day by default, and for a track that has charted by then the eve of its first chart day.",
    )

    _empty_release_date_is_null = field_validator("release_date", mode="before")(empty_is_null)

    @model_validator(mode="after")
    def _name_or_describe(self) -> "PopularityRequest":
        if self.track_id is None and self.features is None:
            raise ValueError("send a track_id, or features of a track that the store need not know")
        if self.track_id is not None and self.features is not None:
            raise ValueError("send either track_id or features, not both")
        if self.track_id is not None and (self.artist or self.release_date):
            raise ValueError("artist and release_date go with features; of a track_id the store's are taken")
        return self


class Probabilities(BaseModel):
    """Of each class; they sum to 1."""

    low: Share
    medium: Share
    high: Share


class ClassMeaning(BaseModel):
    """What a class means, by the tracks that the model learned from."""

    name: ClassName = Field(alias="class")
    from_score: Share = Field(description="The scores of the class, this one included.")
    to_score: Share = Field(description="Up to this one, which is the next class's.")
    share: Share = Field(description="Of the tracks that the model learned from.")
    median_peak_position: float = Field(description="Of those tracks in the class.")
    median_days_on_chart: float = Field(description="Of their first 60 days, of those in the class.")


class PopularityModel(BaseModel):
    """The model that answered."""

    name: str = Field(examples=["popularity"])
    version: int
    trained_through: str = Field(
        description="The last day it learned from: of tracks until then it has seen more."
    )


_EXAMPLE: dict[str, Any] = {
    "track_id": None,
    "track_name": None,
    "artist": "Bruno Mars",
    "region": "ph",
    "as_of": "2020-12-10",
    "charted_on": None,
    "class": "medium",
    "probabilities": {"low": 0.31, "medium": 0.36, "high": 0.33},
    "score": 0.57,
    "expected_peak_position": 74.2,
    "features_used": ["danceability", "energy", "key"],
    "release_date_used": True,
    "artist_history_used": True,
    "artist_tracks": 7,
    "model": {"name": "popularity", "version": 1, "trained_through": "2020-12-31"},
    "classes": [
        {
            "class": "low",
            "from_score": 0.0,
            "to_score": 0.3634,
            "share": 0.3332,
            "median_peak_position": 163.0,
            "median_days_on_chart": 1.0,
        }
    ],
}


class Popularity(BaseModel):
    """What to expect of a track in its first 60 days on the chart, if it enters the day after as_of."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    track_id: str | None = Field(description="The bare 22-character id; null for a track described.")
    track_name: str | None
    artist: str | None = Field(description="As in the store, or as sent.")
    region: str = Field(examples=["ph"])
    as_of: dt.date = Field(description="The last day that was read; the entry is taken for the day after it.")
    charted_on: dt.date | None = Field(
        description="The track's first chart day, where it had come by the as_of asked for: nothing of that "
        "day or later was read. Null where it had not."
    )
    popularity_class: ClassName = Field(
        alias="class",
        description="The likeliest. The score may lie in another's range: it is a mean, and means lie nearer "
        "to the middle than what comes.",
    )
    probabilities: Probabilities = Field(
        description="Of each class. A year on they are hardly better than a third each: take the order of "
        "tracks, by score or by these, rather than the percentages."
    )
    score: Share = Field(
        description="Expected mean of two percentiles among the tracks learned from: of the peak of streams "
        "over the chart's smallest, and of the days on the chart."
    )
    expected_peak_position: Annotated[float, Field(ge=1, le=200)] = Field(description="A mean, not a median.")
    features_used: list[str] = Field(description="Audio features that were known and had a say.")
    release_date_used: bool
    artist_history_used: bool = Field(
        description="Whether it has had tracks on this chart in the year up to as_of."
    )
    artist_tracks: int = Field(description="How many.")
    model: PopularityModel
    classes: list[ClassMeaning] = Field(description="What the classes mean.")
