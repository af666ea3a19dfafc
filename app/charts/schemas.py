"""What the chart routes answer."""

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field


class ChartSummary(BaseModel):
    """A chart in four figures."""

    tracks: int
    total_streams: int
    min_streams: int = Field(description="The threshold: a track with fewer streams is not on the chart.")
    movement: float | None = Field(
        description="Median ratio of the streams to the day before's, over the tracks on both charts; "
        "null where the day before has none."
    )


class ChartItem(BaseModel):
    """One track on a chart."""

    position: int
    track_id: str
    track_name: str | None
    artist: str | None
    streams: int


class ChartAnswer(BaseModel):
    """One region's whole chart of one day; a chart is one page, so ``next_cursor`` is null."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "region": "ph",
                    "date": "2020-12-30",
                    "summary": {
                        "tracks": 200,
                        "total_streams": 10830412,
                        "min_streams": 27310,
                        "movement": 0.995,
                    },
                    "items": [
                        {
                            "position": 1,
                            "track_id": "0kN8xEmgMW9mh7UmDYHlJP",
                            "track_name": "Versace on the Floor",
                            "artist": "Bruno Mars",
                            "streams": 185236,
                        }
                    ],
                    "next_cursor": None,
                }
            ]
        }
    )

    region: str
    date: dt.date
    summary: ChartSummary
    items: list[ChartItem]
    next_cursor: str | None = None
