"""What ``POST /predict`` takes and answers."""

import datetime as dt
from typing import Annotated, Literal, TypeAlias

from pydantic import MISSING, BaseModel, ConfigDict, Field, StrictBool

from app.dates import IsoDate
from app.errors import Problem
from app.forecasting.rolling import MAX_HORIZON
from app.regions import RegionCode
from app.track_ids import TrackId

ModelName = Literal["auto", "lstm", "gru", "multi_input", "baseline"]
WholeNumber = Annotated[int, Field(strict=True)]  # else true is read as 1, and "1_0" as 10
Streams = Annotated[float, Field(ge=0, description="Chart streams of one day.")]
WhereAsked: TypeAlias = float | MISSING  # left out of the answer, not null


class ForecastOptions(BaseModel):
    """What every request for forecasts may say beside what is to be forecast."""

    model_config = ConfigDict(extra="forbid")

    horizon: WholeNumber = Field(
        default=1,
        ge=1,
        le=MAX_HORIZON,
        description=(
            "Days to forecast, up to the model's max_horizon (28). Those up to its direct_horizon (7) lie "
            "between what it says of them at once and what it says day by day; those beyond are forecast "
            "from its own forecast of the days before them."
        ),
    )
    model: ModelName = Field(
        default="auto",
        description=(
            "auto: the model with the best backtest for the region and the track, baseline where none is "
            "loaded; the answer says which and why. A model named outright is used or refused, never swapped."
        ),
    )
    as_of: IsoDate | None = Field(
        default=None,
        description="The last day the forecast may know of; the region's last ingested day by default.",
    )
    levels: list[WholeNumber] = Field(
        default=[80],
        min_length=1,
        max_length=9,
        description="Interval levels in percent: 50, 80, 95, and others if the model's spec offers them.",
        examples=[[80, 95]],
    )
    include_history: WholeNumber = Field(
        default=0, ge=0, le=3650, description="Send along the chart days within this many days up to as_of."
    )


class TrackOptions(ForecastOptions):
    """What requests for forecasts of tracks may say beside those."""

    include_presence: StrictBool = Field(
        default=False,
        description=(
            "Say of each of the first 7 days ahead how probable it is that the track charts, and is in the "
            "top 50, and which rank to expect if it charts; 409 where no presence model is loaded."
        ),
    )


class PredictRequest(TrackOptions):
    """A forecast of one track in one region."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"track_id": "4umIPjkehX1r7uhmGvXiSV", "region": "ph", "horizon": 3, "levels": [80, 95]}
            ]
        }
    )

    track_id: TrackId
    region: RegionCode | None = Field(
        default=None, description="Left out: the one in the settings, else the only one in the store."
    )


class BatchItem(BaseModel):
    """One track of a batch."""

    model_config = ConfigDict(extra="forbid")

    track_id: TrackId
    region: RegionCode | None = Field(
        default=None, description="Left out: the one in the settings, else the only one in the store."
    )


class BatchRequest(TrackOptions):
    """Forecasts of up to 1,000 tracks in one go; the other fields hold for all of them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {"track_id": "4umIPjkehX1r7uhmGvXiSV", "region": "ph"},
                        {"track_id": "spotify:track:0kN8xEmgMW9mh7UmDYHlJP", "region": "us"},
                    ],
                    "horizon": 7,
                }
            ]
        }
    )

    items: list[BatchItem] = Field(
        min_length=1, max_length=1000, description="The tracks, in the order wanted; one may come twice."
    )


class Interval(BaseModel):
    """A central prediction interval."""

    level: int = Field(description="Percent.", examples=[80])
    lower: Streams
    upper: Streams


class DayForecast(BaseModel):
    """The forecast of one day, conditional on the track charting."""

    target_date: dt.date = Field(description="The chart day forecast.")
    horizon: int = Field(description="Days after as_of.")
    streams: Streams = Field(description="The median forecast.")
    intervals: list[Interval] = Field(description="In the order of the levels asked for; they nest.")
    baseline_streams: Streams = Field(description="What chart_weekday says: the baseline to beat.")
    chart_probability: WhereAsked = Field(
        default=MISSING,
        ge=0,
        le=1,
        description="Of being on the chart (top 200) that day. With include_presence, up to 7 days ahead.",
        examples=[0.97],
    )
    top50_probability: WhereAsked = Field(
        default=MISSING,
        ge=0,
        le=1,
        description="Of being in its top 50, never above chart_probability. Likewise.",
        examples=[0.41],
    )
    expected_rank: WhereAsked = Field(
        default=MISSING,
        ge=1,
        le=200,
        description="If the track charts: its rank is as likely above this as below. Likewise.",
        examples=[52.3],
    )


class HistoryDay(BaseModel):
    """One day on the chart."""

    date: dt.date
    streams: int = Field(description="Chart streams of that day.")
    position: int = Field(description="Place on the chart, from 1.")


class UsedModel(BaseModel):
    """The model that answered."""

    name: Literal["lstm", "gru", "multi_input", "baseline"] = Field(description="Of the model.")
    version: int | None = Field(description="Of the bundle; null for the baseline, which has none.")
    requested: ModelName = Field(description="As asked for.")
    reason: str = Field(description="Which model and why, in words.", examples=["gru was asked for by name"])


class Prediction(BaseModel):
    """A track's forecast."""

    track_id: str = Field(description="The bare 22-character id.", examples=["4umIPjkehX1r7uhmGvXiSV"])
    track_name: str | None = Field(description="As charts last gave it; null where none did.")
    artist: str | None = Field(description="As charts last gave it; null where none did.")
    region: str = Field(examples=["ph"])
    as_of: dt.date = Field(description="The last day the forecast knows of.")
    last_observed: dt.date = Field(description="The track's last day on the chart, up to as_of.")
    observed_days: int = Field(description="Its days on the chart, up to as_of.")
    model: UsedModel
    metadata_used: bool = Field(
        description=(
            "Whether the model was given the track's audio features. Their say fades out over its first 28 "
            "days on the chart."
        )
    )
    forecasts: list[DayForecast] = Field(description="One a day, from the day after as_of on.")
    history: list[HistoryDay] = Field(description="The days asked for with include_history, by day.")


class BatchProblem(BaseModel):
    """An item that could not be forecast."""

    track_id: str = Field(description="The bare 22-character id.")
    region: str | None = Field(description="As asked for.")
    problem: Problem = Field(description="What a single request would have been refused with.")


class BatchPrediction(BaseModel):
    """The answers, in the order of the items."""

    results: list[Prediction | BatchProblem]
