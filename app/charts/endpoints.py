"""``/charts``: the charts as stored."""

from fastapi import APIRouter

from app.access.rules import Rule, requires
from app.charts.schemas import ChartAnswer
from app.dates import IsoDate
from app.dependencies import DatabaseDep
from app.errors import NotFoundError, problem_responses
from app.regions import RegionCode
from app.repository.chart_days import read_chart_entries, read_chart_summary
from app.repository.regions import resolve_region

router = APIRouter(prefix="/charts", tags=["charts"])


@router.get("/{region}/{date}", summary="One day's chart", responses=problem_responses(404, 422))
@requires(Rule.PREDICT)
def read_chart(region: RegionCode, date: IsoDate, database: DatabaseDep) -> ChartAnswer:
    """One region's chart of one day, by position."""
    with database.read() as connection:
        state = resolve_region(connection, region, None)
        summary = read_chart_summary(connection, region, date)
        entries = read_chart_entries(connection, region, date)
    if summary is None:
        raise NotFoundError(
            f"Region {region} has no chart of {date}; its charts lie between {state.first_day} and "
            f"{state.last_day}."
        )
    return ChartAnswer.model_validate(
        {
            "region": region,
            "date": date,
            "summary": summary._asdict(),
            "items": [entry._asdict() for entry in entries],
        }
    )
