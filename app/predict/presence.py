"""Whether tracks will be on the chart: one run of the head for all tracks of a region."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from app.errors import ConflictError
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.presence import (
    GRID_LENGTH,
    INPUTS,
    MOST_OFF,
    NAME,
    OUTPUTS,
    build_rows,
    read_outputs,
)
from app.model_store import RunningRowModel
from app.predict.market import MarketCache
from app.predict.records import build_history
from app.repository.regions import RegionState
from app.repository.track_records import TrackRecord

PROBABILITY_DECIMALS, RANK_DECIMALS = 4, 1


def find_head(row_models: Mapping[str, RunningRowModel]) -> RunningRowModel:
    """The presence model.

    Raises:
        ConflictError: there is none, or it takes other rows than this release makes.
    """
    if NAME not in row_models:
        raise ConflictError(
            "There is no presence model loaded: ask without include_presence, or publish one "
            "(GET /models says why one was refused)."
        )
    bundle = row_models[NAME].bundle
    if (bundle.inputs, bundle.outputs) != (INPUTS, OUTPUTS):
        raise ConflictError(
            f"The presence model {bundle.version} takes other rows than this release makes: ask without "
            "include_presence, or publish one that this release fitted."
        )
    return row_models[NAME]


def forecast_presence(
    connection: Connection,
    cache: MarketCache,
    region: RegionState,
    head: RunningRowModel,
    market: MarketCovariates,
    *,
    records: Sequence[TrackRecord],
    as_of: dt.date,
) -> dict[str, list[dict[str, Any]]]:
    """The fields of each of the next 7 days, by track; of one that is off the chart for too long, none."""
    records = [record for record in records if (as_of - record.entries.days[-1]).days <= MOST_OFF]
    if not records:
        return {}
    artists = cache.chart_artists(connection, region, as_of)
    history = build_history(records, as_of=as_of, length=GRID_LENGTH, artists=artists)
    rows = build_rows(history, market, cache.chart_state(connection, region, as_of)[None])
    presence = read_outputs(rows, head.run(rows))
    columns = (
        presence.chart.round(PROBABILITY_DECIMALS).tolist(),
        presence.top50.round(PROBABILITY_DECIMALS).tolist(),
        presence.rank.round(RANK_DECIMALS).tolist(),
    )
    return {
        record.facts.track_id: [
            {"chart_probability": chart, "top50_probability": top50, "expected_rank": rank}
            for chart, top50, rank in zip(*of_track, strict=True)
        ]
        for record, *of_track in zip(records, *columns, strict=True)
    }
