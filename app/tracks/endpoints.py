"""``/tracks``: which there are, their histories, their metadata."""

from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator

from app.access.callers import caller_of
from app.access.rules import Rule, requires
from app.dates import IsoDate
from app.dependencies import DatabaseDep, SettingsDep, UploadThreadsDep
from app.errors import problem_responses
from app.regions import RegionCode
from app.repository.regions import resolve_region
from app.track_ids import TRACK_ID_HELP, TrackId
from app.tracks.features import EXAMPLE_FEATURES, Features, parse_name
from app.tracks.listing import build_history_page, build_track, build_track_page
from app.tracks.schemas import HistoryPage, MetadataReport, MetadataStored, TrackAnswer, TrackPage
from app.tracks.service import load_metadata, put_metadata
from app.uploads import read_uploads

router = APIRouter(prefix="/tracks", tags=["tracks"])

Text = Annotated[
    str | None,
    Query(max_length=200, description="Part of a track's or an artist's name, in any case."),
    AfterValidator(parse_name),  # after the length is checked: it makes nothing of blanks
]
Cursor = Annotated[
    str | None, Query(max_length=200, description="next_cursor of the page before; none for the first.")
]

_METADATA_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "Many tracks: CSV whose header names the columns, or a JSON list; gzip'd if you like. "
        "A form may have several such files, merged in their order.",
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "track_id,duration,energy,key\n0kN8xEmgMW9mh7UmDYHlJP,261240,0.574,2\n",
            },
            "application/json": {
                "schema": {
                    "type": "array",
                    "items": {
                        "allOf": [{"$ref": "#/components/schemas/Features"}],
                        "required": ["track_id"],
                        "properties": {"track_id": {"type": "string", "description": TRACK_ID_HELP}},
                    },
                },
                "example": [{"track_id": "0kN8xEmgMW9mh7UmDYHlJP", **EXAMPLE_FEATURES}],
            },
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "array", "items": {"type": "string", "format": "binary"}}
                    },
                }
            },
        },
    }
}


@router.get("", summary="Find tracks", responses=problem_responses(404, 422))
@requires(Rule.PREDICT)
def list_tracks(
    database: DatabaseDep,
    *,
    q: Text = None,
    region: RegionCode | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Cursor = None,
) -> TrackPage:
    """The tracks that have charted, in one region or in any: the latest observed first, then by streams."""
    with database.read() as connection:
        return build_track_page(connection, text=q, region=region, limit=limit, cursor=cursor)


@router.post(
    "/metadata",
    summary="Add metadata of many tracks",
    responses=problem_responses(413, 415, 422),
    openapi_extra=_METADATA_BODY,
)
@requires(Rule.INGEST)
async def add_metadata(
    request: Request, database: DatabaseDep, settings: SettingsDep, threads: UploadThreadsDep
) -> MetadataReport:
    """Merge files into the metadata stored, by track.

    Columns go by name: the 13 features and `release_date`, `duration` being taken for `duration_ms`;
    those it does not know are left out and named in the answer. A value replaces the stored one; what is
    empty or has no column stays as it is, so a file with two columns adds those two. `track_name` and
    `artist_name` fill in names only where the charts gave none. Tracks that no chart has had are made.

    Good rows are stored even where others are bad; those come back in `rejected_rows`, with the line.
    The rows of one request are stored together or, if a file cannot be read, not at all.
    """
    uploads = await read_uploads(request)
    store = partial(load_metadata, database, settings, uploads, caller_of(request))
    return await to_thread.run_sync(store, limiter=threads)


@router.put(
    "/{track_id:track}/metadata",
    summary="Set one track's metadata",
    responses=problem_responses(404, 413, 422),
)
@requires(Rule.INGEST)
def set_metadata(
    request: Request, track_id: TrackId, features: Features, database: DatabaseDep
) -> MetadataStored:
    """Set the features sent: one left out stays as it is, one that is null is cleared.

    Fields it does not know are left out and named in the answer; a track that no chart has had is made.
    """
    return put_metadata(database, track_id, features, caller_of(request))


@router.get("/{track_id:track}", summary="One track", responses=problem_responses(404, 422))
@requires(Rule.PREDICT)
def read_track(track_id: TrackId, database: DatabaseDep) -> TrackAnswer:
    """A track's names, the regions whose charts have had it, and its metadata, null where it has none."""
    with database.read() as connection:
        return build_track(connection, track_id)


@router.get(
    "/{track_id:track}/history", summary="A track's chart days", responses=problem_responses(404, 422)
)
@requires(Rule.PREDICT)
def read_track_history(
    track_id: TrackId,
    database: DatabaseDep,
    settings: SettingsDep,
    *,
    region: RegionCode | None = None,
    first: Annotated[IsoDate | None, Query(alias="from", description="First day, inclusive.")] = None,
    last: Annotated[IsoDate | None, Query(alias="to", description="Last day, inclusive.")] = None,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 1_000,
    cursor: Cursor = None,
) -> HistoryPage:
    """Streams and position on each day the region's chart had the track, the oldest first."""
    with database.read() as connection:
        code = resolve_region(connection, region, settings.default_region).code
        return build_history_page(
            connection, code, track_id, first=first, last=last, limit=limit, cursor=cursor
        )
