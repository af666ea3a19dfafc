"""What the artist routes take and answer."""

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.artists.names import ArtistName
from app.predict.schemas import ForecastOptions, UsedModel
from app.regions import RegionCode

_ID, _ARTIST = "ac2ce8a1eea34d54", "Ben&Ben"
_TRACK = "0V9rj37SqxF06EOV809odq"
WholeStreams = Annotated[int, Field(ge=0, description="Chart streams of one day, whole.")]


def _example(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class ArtistItem(BaseModel):
    """An artist in a listing."""

    artist_id: str = Field(description="The same for every spelling of the name, everywhere and always.")
    artist: str = Field(description="As charts last spelt it, up to the first comma.")
    regions: list[str] = Field(description="Every region whose chart has had a track of it.")
    last_observed: dt.date = Field(description="Its last chart day, in the region asked for or in any.")


class ArtistPage(BaseModel):
    """A page of artists; ``next_cursor`` is null on the last."""

    model_config = _example(
        items=[{"artist_id": _ID, "artist": _ARTIST, "regions": ["ph"], "last_observed": "2020-12-31"}],
        next_cursor="MjAyMC0xMi0zMXwzMTIwNHwwa044eEVtZ01XOW1oN1VtRFlIbEpQ",
    )

    items: list[ArtistItem]
    next_cursor: str | None


class TrackOfArtist(BaseModel):
    """How long a region's chart has had one of its tracks, and what it streamed meanwhile."""

    track_id: str
    track_name: str | None
    first_day: dt.date
    last_observed: dt.date
    observed_days: int
    streams: int = Field(description="Chart streams of all its chart days, summed.")


class ArtistInRegion(BaseModel):
    """What a region's chart has had of an artist."""

    region: str
    first_day: dt.date
    last_observed: dt.date
    observed_days: int = Field(description="Days on which at least one of its tracks charted.")
    streams: int = Field(description="Chart streams of all its tracks on all their chart days, summed.")
    tracks: list[TrackOfArtist] = Field(description="The latest observed first, then by streams.")


class ArtistAnswer(BaseModel):
    """An artist and its charting tracks, by region."""

    model_config = _example(
        artist_id=_ID,
        artist=_ARTIST,
        regions=[
            {
                "region": "ph",
                "first_day": "2017-05-12",
                "last_observed": "2020-12-31",
                "observed_days": 1204,
                "streams": 310550120,
                "tracks": [
                    {
                        "track_id": _TRACK,
                        "track_name": "Di Ka Sayang",
                        "first_day": "2020-11-06",
                        "last_observed": "2020-12-31",
                        "observed_days": 56,
                        "streams": 4946298,
                    }
                ],
            }
        ],
    )

    artist_id: str
    artist: str = Field(description="As charts last spelt it, up to the first comma.")
    regions: list[ArtistInRegion]


class ArtistRequest(ForecastOptions):
    """A forecast of an artist in one region."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"artist": _ARTIST, "region": "ph", "horizon": 7, "levels": [80, 95]}]
        }
    )

    artist: ArtistName
    region: RegionCode | None = Field(
        default=None, description="Left out: the one in the settings, else the only one in the store."
    )


class WholeInterval(BaseModel):
    """A central prediction interval, in whole streams."""

    level: int = Field(description="Percent.", examples=[80])
    lower: WholeStreams
    upper: WholeStreams


class TrackDay(BaseModel):
    """One day of one of the artist's tracks, if it charts."""

    target_date: dt.date = Field(description="The chart day forecast.")
    horizon: int = Field(description="Days after as_of.")
    streams: WholeStreams = Field(description="What POST /predict says of it, to the whole stream.")
    intervals: list[WholeInterval] = Field(description="In the order of the levels asked for; they nest.")
    baseline_streams: WholeStreams = Field(description="What chart_weekday says.")


class TrackPart(BaseModel):
    """What one of the artist's tracks adds to it."""

    track_id: str = Field(description="The bare 22-character id.", examples=[_TRACK])
    track_name: str | None = Field(description="As charts last gave it; null where none did.")
    observed_days: int = Field(description="Its days on the chart, up to as_of.")
    model: UsedModel
    forecasts: list[TrackDay] = Field(description="One a day, from the day after as_of on.")


class ArtistDayForecast(BaseModel):
    """One day of the artist: of its tracks on the chart at as_of, each if it still charts.

    ``streams`` is the sum of ``tracks``; with ``other_streams`` it makes ``chart_streams``: exactly.
    """

    target_date: dt.date = Field(description="The chart day forecast.")
    horizon: int = Field(description="Days after as_of.")
    streams: WholeStreams = Field(description="The sum of its tracks' forecasts.")
    intervals: list[WholeInterval] = Field(
        description="Of the sum: the tracks' bounds, combined with the correlation that their errors have."
    )
    baseline_streams: WholeStreams = Field(description="The sum of what chart_weekday says of its tracks.")
    other_streams: WholeStreams = Field(description="The sum of all other tracks on the chart at as_of.")
    chart_streams: WholeStreams = Field(description="The sum of all tracks on the chart at as_of.")
    share: float = Field(ge=0, le=1, description="streams over chart_streams.", examples=[0.0213])


class ArtistHistoryDay(BaseModel):
    """One day on which the artist charted."""

    date: dt.date
    streams: int = Field(description="Chart streams of all its tracks on that day's chart.")
    tracks: int = Field(description="How many those were.")


class ArtistPrediction(BaseModel):
    """An artist's forecast: the sum of its tracks on the chart at ``as_of``, each if it still charts.

    A track that leaves by then adds nothing to the real sum, one that comes is not foreseen.
    """

    artist_id: str = Field(description="The same for every spelling of the name.", examples=[_ID])
    artist: str = Field(description="As charts last spelt it, up to the first comma.", examples=[_ARTIST])
    region: str = Field(examples=["ph"])
    as_of: dt.date = Field(description="The last day the forecast knows of.")
    charting_on: dt.date = Field(
        description="The chart whose tracks are meant: of as_of, or the last before it where it has none."
    )
    reconciliation: Literal["bottom_up"] = Field(
        description="How the levels were made to add up: tracks are forecast, all else is their sum."
    )
    forecasts: list[ArtistDayForecast] = Field(description="One a day, from the day after as_of on.")
    tracks: list[TrackPart] = Field(description="Its tracks on that chart, the most streams first.")
    history: list[ArtistHistoryDay] = Field(description="The days asked for with include_history, by day.")
