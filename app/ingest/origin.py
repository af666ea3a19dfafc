"""Which region and day a file is of, from the request, from its name and from its rows, which must agree."""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.errors import InvalidRequestError, UnsupportedFormatError
from app.ingest.rows import check_chart_day
from app.regions import parse_region

# regional-ph-daily-2021-01-01.csv, ph-2020-03-09.csv.gz, and the "(1)" that browsers add
_FILE_NAME = re.compile(
    r"(?:regional-)?(?P<region>global|[a-z]{2})-(?:(?P<period>daily|weekly)-)?(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:--\d{4}-\d\d-\d\d)?(?: ?\(\d+\))?(?:\.[a-z]{1,4}){0,2}",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True)
class Given:
    """What the request and the service say about every file.

    Attributes:
        region: From the request.
        date: From the request.
        default_region: The one the settings name, for files that don't say.
        known_regions: Reads those in the store; the only one there is serves as a default too.
        today: The last day that can have a chart (UTC).
    """

    today: dt.date
    region: str | None = None
    date: dt.date | None = None
    default_region: str | None = None
    known_regions: Callable[[], Sequence[str]] = tuple


@dataclass(frozen=True)
class Origin:
    """What is said of a whole file; None where only its rows can say."""

    region: str | None
    date: dt.date | None


def parse_file_name(name: str) -> Origin:
    """Return what a file's name says of its region and day; neither where it has no known form.

    Raises:
        InvalidRequestError: the name has the form, and a region or a day that is none.
        UnsupportedFormatError: it names a weekly chart.
    """
    match = _FILE_NAME.fullmatch(name)
    if match is None:
        return Origin(None, None)
    if (match["period"] or "").lower() == "weekly":
        raise UnsupportedFormatError(f"{name}: by its name this is a weekly chart; send the daily one.")
    try:
        return Origin(parse_region(match["region"]), dt.date.fromisoformat(match["date"]))
    except ValueError as error:
        detail = f"{name}: the file's name does not name a chart ({error}); rename it."
        raise InvalidRequestError(detail, errors=[("file", str(error))]) from None


def agree_on_origin(name: str, given: Given, said: Origin, said_by: str) -> Origin:
    """Return what the request and the file's name (or the JSON body) together say.

    Raises:
        InvalidRequestError: they contradict each other, or the day can have no chart.
    """
    for field, asked, told in (("region", given.region, said.region), ("date", given.date, said.date)):
        if asked is not None and told is not None and asked != told:
            raise build_disagreement(name, field, f"the request says {asked}, {said_by} {told}")
    date = given.date or said.date
    if date is not None:
        _check_day(name, date, given.today)
    return Origin(given.region or said.region, date)


def _check_day(name: str, day: dt.date, today: dt.date) -> None:
    try:
        check_chart_day(day, today)
    except ValueError as error:
        raise InvalidRequestError(f"{name}: {day} {error}.", errors=[("date", str(error))]) from None


def build_disagreement(name: str, field: str, contradiction: str) -> InvalidRequestError:
    """The refusal of a file about which two sources differ."""
    detail = f"{name}: {contradiction}; which {field} is it? Mend the one that is wrong."
    return InvalidRequestError(detail, errors=[(field, contradiction)])


def choose_region(name: str, origin: Origin, given: Given) -> str:
    """Return the region of a file whose rows don't say.

    Raises:
        InvalidRequestError: nobody says.
    """
    if region := origin.region or given.default_region:
        return region
    known = given.known_regions()
    if len(known) == 1:
        return known[0]
    there = f" (there are {', '.join(known)})" if known else ""
    detail = f"{name}: neither the file nor its name says its region; add region= to the request{there}."
    raise InvalidRequestError(detail, errors=[("region", "missing")])


def choose_date(name: str, origin: Origin) -> dt.date:
    """Return the day of a file whose rows don't say.

    Raises:
        InvalidRequestError: nobody says.
    """
    if origin.date is None:
        detail = f"{name}: neither the file nor its name says its date; add date=YYYY-MM-DD to the request."
        raise InvalidRequestError(detail, errors=[("date", "missing")])
    return origin.date
