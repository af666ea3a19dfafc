"""Region and day come from the request, the file's name or the rows, and must agree."""

import datetime as dt

import pytest

from app.errors import InvalidRequestError, UnsupportedFormatError
from app.ingest.origin import Origin, parse_file_name
from tests.ingest.chart_files import TODAY, build_csv, parse, track_of

BARE = f"Position,Track Name,Artist,Streams,URL\n1,a,b,5,spotify:track:{track_of('A')}\n"
FULL = build_csv("2020-12-30", [(1, "A", 5)])


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("regional-ph-daily-2020-12-30.csv", "ph"),
        ("regional-global-daily-2020-12-30.csv.gz", "global"),
        ("ph-2020-12-30.csv", "ph"),
        ("PH-2020-12-30.CSV", "ph"),
        ("regional-ph-daily-2020-12-30 (1).csv", "ph"),
        ("us-daily-2020-12-30", "us"),
    ],
)
def test_a_file_name_tells_region_and_day(name: str, region: str) -> None:
    assert parse_file_name(name) == Origin(region, dt.date(2020, 12, 30))


@pytest.mark.parametrize(
    "name", ["charts.csv", "api", "charts-2020-12-30.csv", "ph.csv", "2020-12-30.csv", ""]
)
def test_other_names_tell_nothing(name: str) -> None:
    assert parse_file_name(name) == Origin(None, None)


@pytest.mark.parametrize("name", ["zz-2020-12-30.csv", "ph-2020-02-30.csv"])
def test_a_name_of_that_form_that_names_no_chart_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="rename it"):
        parse_file_name(name)


def test_a_weekly_name_is_refused() -> None:
    with pytest.raises(UnsupportedFormatError, match="weekly"):
        parse_file_name("regional-ph-weekly-2020-12-25--2021-01-01.csv")


def test_a_file_that_does_not_say_takes_its_name_or_the_request() -> None:
    for file in (
        parse("ph-2020-12-30.csv", BARE),
        parse("api", BARE, region="ph", date=dt.date(2020, 12, 30)),
        parse("api", BARE, date=dt.date(2020, 12, 30), default_region="ph", known_regions=lambda: ["us"]),
        parse("api", BARE, date=dt.date(2020, 12, 30), known_regions=lambda: ["ph"]),
    ):
        assert [(row.region, row.date) for row in file.rows] == [("ph", dt.date(2020, 12, 30))]


def test_a_file_of_which_nobody_says_the_region_is_refused_naming_those_there_are() -> None:
    with pytest.raises(InvalidRequestError, match="there are ph, us"):
        parse("api", BARE, date=TODAY, known_regions=lambda: ["ph", "us"])


def test_a_file_of_which_nobody_says_the_day_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="says its date"):
        parse("api", BARE, region="ph")


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("us-2020-12-30.csv", {}),
        ("ph-2020-12-29.csv", {}),
        ("api", {"region": "us"}),
        ("api", {"date": dt.date(2020, 12, 29)}),
    ],
)
def test_rows_that_contradict_the_name_or_the_request_refuse_the_file_with_the_line(
    name: str, given: dict[str, object]
) -> None:
    with pytest.raises(InvalidRequestError, match="line 2") as refused:
        parse(name, FULL, **given)
    assert refused.value.extra["rejected_rows"][0]["line"] == 2


@pytest.mark.parametrize("given", [{"region": "us"}, {"date": dt.date(2020, 12, 29)}])
def test_a_request_that_contradicts_the_name_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(InvalidRequestError, match=r"which (region|date) is it"):
        parse("ph-2020-12-30.csv", BARE, **given)


def test_a_name_or_a_request_of_a_future_day_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="in the future"):
        parse("ph-2021-01-02.csv", BARE)
    with pytest.raises(InvalidRequestError, match="in the future"):
        parse("api", BARE, region="ph", date=dt.date(2021, 1, 2))
