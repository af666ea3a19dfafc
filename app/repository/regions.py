"""Reading which regions there are and how far they reach."""

import datetime as dt
from typing import NamedTuple

from sqlalchemy import Connection, Date, bindparam, literal_column, select, type_coerce, update

from app.errors import InvalidRequestError, NotFoundError
from app.models import Region, SharedVersion
from app.repository.prepared import Prepared


class RegionState(NamedTuple):
    """A region that has charts, and the versions of what its forecasts go by: its charts, the artists."""

    code: str
    first_day: dt.date
    last_day: dt.date
    version: int
    artists_version: int


_ARTISTS = SharedVersion.name == literal_column(
    "'artists'"
)  # no parameter, which ``Prepared`` would want given
STATE = (  # in the order of ``RegionState``
    Region.code,
    type_coerce(Region.first_day, Date),
    type_coerce(Region.last_day, Date),
    Region.version,
    select(SharedVersion.version).where(_ARTISTS).scalar_subquery(),
)
_STATES = select(*STATE).where(Region.last_day.is_not(None))
_STATE = Prepared(_STATES.where(Region.code == bindparam("code")))


def read_regions(connection: Connection) -> list[RegionState]:
    """Every region that has charts, by code."""
    return [RegionState(*row) for row in connection.execute(_STATES.order_by(Region.code))]


def read_region(connection: Connection, code: str) -> RegionState | None:
    """One region, or None where it has no chart."""
    rows = _STATE.rows(connection, {"code": code})
    return RegionState(*rows[0]) if rows else None


def count_change_of_artists(connection: Connection) -> None:
    """Tell all regions' forecasts that a track has another artist than it had.

    No rows of tracks are locked after this one, so no two uploads wait for each other.
    """
    connection.execute(update(SharedVersion).where(_ARTISTS).values(version=SharedVersion.version + 1))


def resolve_region(connection: Connection, code: str | None, default: str | None) -> RegionState:
    """The region that a request means: the one it names, else ``default``, else the only one there is.

    Raises:
        NotFoundError: the region named has no charts.
        InvalidRequestError: none was named and there is no single one to take.
    """
    wanted = code or default
    if wanted is not None:
        state = read_region(connection, wanted)
        if state is None:
            raise NotFoundError(f"Region {wanted} has no charts here; {_those_there_are(connection)}.")
        return state
    states = read_regions(connection)
    if len(states) == 1:
        return states[0]
    raise InvalidRequestError(
        f"Name a region: {_those_there_are(connection)}.", errors=[("region", "missing")]
    )


def read_codes(connection: Connection, only: str | None) -> list[str]:
    """The regions that a listing is of: the one asked for, else every one that has charts.

    Raises:
        NotFoundError: the one asked for has none.
    """
    if only is not None:
        return [resolve_region(connection, only, None).code]
    return [state.code for state in read_regions(connection)]


def _those_there_are(connection: Connection) -> str:
    codes = ", ".join(state.code for state in read_regions(connection))
    return f"there are {codes}" if codes else "none has been ingested yet (POST /ingest)"
