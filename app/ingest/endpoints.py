"""``POST /ingest``."""

from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request, Response

from app.access.callers import caller_of
from app.access.rules import Rule, requires
from app.dates import IsoDate
from app.dependencies import DatabaseDep, SettingsDep, UploadThreadsDep
from app.errors import PROBLEM_JSON, InvalidRequestError, UnsupportedFormatError, problem_responses
from app.ingest.schemas import ChartUpload, IngestReport, OnError
from app.ingest.service import IngestOptions, IngestService
from app.regions import RegionCode
from app.uploads import read_uploads

router = APIRouter(tags=["ingest"])

DESCRIPTION = """
Takes in daily charts, in any of the published formats, recognised by its header:

| `format` | header |
|---|---|
| `track_id_dump` | `date,position,track_id,track_name,artist,streams` |
| `daily_csv` | `Position,Track Name,Artist,Streams,URL,Date` |
| `multi_region_csv` | `Position,Track Name,Artist,Streams,URL,Date,Region` |
| `spotifycharts` | `Position,Track Name,Artist,Streams,URL`, below an optional note |
| `charts_spotify` | `rank,uri,artist_names,track_name,source,peak_rank,previous_rank,days_on_chart,streams` |
| `public_dump` | `title,rank,date,artist,url,region,chart,trend,streams` (viral rows are skipped) |

Columns go by name, in any order and case. A file whose rows lack region or date takes them from its name
(`regional-ph-daily-2021-01-01.csv`, `ph-2020-03-09.csv`) or from the query; what two of them say must agree.

**An upload is the whole chart** of each region and day in it: stored tracks that it lacks are removed
(and kept on record as corrections). One request is one transaction. The same upload twice changes nothing.
"""

_CSV_EXAMPLE = (
    "Position,Track Name,Artist,Streams,URL,Date\n"
    "1,A Song,A Band,273772,https://open.spotify.com/track/4umIPjkehX1r7uhmGvXiSV,2020-03-09\n"
)
_JSON_EXAMPLE = {
    "region": "ph",
    "date": "2020-03-09",
    "entries": [
        {
            "position": 1,
            "track_id": "4umIPjkehX1r7uhmGvXiSV",
            "track_name": "A Song",
            "artist": "A Band",
            "streams": 273772,
        }
    ],
}
_FORM_SCHEMA = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "format": "binary"},
            "description": "Chart files, CSV or gzipped CSV; repeat the part for more than one.",
        }
    },
}
# The body is read by hand (it streams, up to a limit), so its documentation is by hand too.
_REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": _FORM_SCHEMA},
        "text/csv": {"schema": {"type": "string", "format": "binary"}, "example": _CSV_EXAMPLE},
        "application/json": {"schema": ChartUpload.model_json_schema(), "example": _JSON_EXAMPLE},
    },
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": IngestReport, "description": "Nothing changed, or `dry_run`"},
    **problem_responses(409, 413, 415, 422),
}
_RESPONSES[409]["description"] = "A chart would lose over a tenth of its rows; `replace=true` asks for that"
_RESPONSES[413]["description"] = "Over one of the limits, which the detail names"
_RESPONSES[415]["description"] = "No daily chart file known here, or no content type that is taken"
_RESPONSES[422]["description"] = (
    "Bad rows: `rejected_rows` lists the first 100 (file, line, field, value, problem), `rejected` counts all"
)
_RESPONSES[422]["content"] = {
    PROBLEM_JSON: {
        "schema": {
            "allOf": [
                {"$ref": "#/components/schemas/Problem"},
                {
                    "type": "object",
                    "properties": {
                        "rejected": {"type": "integer", "description": "How many rows are bad."},
                        "rejected_rows": {
                            "type": "array",
                            "items": {"$ref": "#/components/schemas/RejectedRow"},
                            "description": "The first 100 of them; absent where no row is at fault.",
                        },
                    },
                },
            ]
        }
    }
}

_FORM = "multipart/form-data"
_JSON = "application/json"
_CSV = ("text/csv", "application/csv", "application/gzip", "application/x-gzip")


async def get_service(request: Request, database: DatabaseDep, settings: SettingsDep) -> IngestService:
    """The service on the app's store."""
    return IngestService(database, settings, caller=caller_of(request))


QUERY = ("region", "date", "on_error", "dry_run", "replace")


async def get_options(
    request: Request,
    region: Annotated[
        RegionCode | None,
        Query(description="For files that don't say; else that of the settings, else the only one stored."),
    ] = None,
    date: Annotated[IsoDate | None, Query(description="For files that don't say.")] = None,
    on_error: Annotated[
        OnError, Query(description="One bad row and nothing is stored, or store the good ones.")
    ] = "reject",
    dry_run: Annotated[bool, Query(description="Answer as if, and store nothing.")] = False,
    replace: Annotated[
        bool, Query(description="Take a chart with under 90% of the rows stored for its day.")
    ] = False,
) -> IngestOptions:
    """The query. A mistyped ``dry_run`` would else store in earnest.

    Raises:
        InvalidRequestError: there is something else in it.
    """
    if unknown := sorted(set(request.query_params).difference(QUERY)):
        raise InvalidRequestError(
            f"There is no query parameter {unknown[0][:40]!r}; there are {', '.join(QUERY)}.",
            errors=[(f"query.{name[:40]}", "not known") for name in unknown[:10]],
        )
    return IngestOptions(region, date, on_error, dry_run, replace)


@router.post(
    "/ingest",
    status_code=201,
    response_model=IngestReport,
    summary="Take in daily charts",
    description=DESCRIPTION,
    response_description="Stored",
    responses=_RESPONSES,
    openapi_extra={"requestBody": _REQUEST_BODY},
)
@requires(Rule.INGEST)
async def ingest(
    request: Request,
    response: Response,
    service: Annotated[IngestService, Depends(get_service)],
    options: Annotated[IngestOptions, Depends(get_options)],
    threads: UploadThreadsDep,
) -> IngestReport:
    """Read the body, then parse and store it off the event loop."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (_FORM, _JSON, *_CSV):
        raise UnsupportedFormatError(
            f"Content-Type {kind or '(none)'} is not taken; send {_FORM}, text/csv or {_JSON}."
        )
    if kind == _JSON:
        [upload] = await read_uploads(request)
        report = await to_thread.run_sync(service.ingest_json, upload, options, limiter=threads)
    else:
        uploads = await read_uploads(request)
        report = await to_thread.run_sync(service.ingest_files, uploads, options, limiter=threads)
    if report.dry_run or not report.changed:
        response.status_code = 200
    return report
