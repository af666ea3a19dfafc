"""What an upload does to the store: whole charts, corrections, and everything kept up with them."""

import datetime as dt
import random

import pytest
from sqlalchemy import select

from app.config import Settings
from app.database import Database
from app.errors import ConflictError
from app.ingest.schemas import IngestReport
from app.ingest.service import IngestOptions, IngestService
from app.models import Correction, IngestBatch, IngestFile, Region
from app.uploads import Upload
from tests.ingest.chart_files import Row, build_csv, build_table, track_of
from tests.ingest.stored import assert_kept_up, read_names, read_stored_charts

DAY = dt.date(2020, 12, 30)
TEN: list[Row] = [(place, letter, 1000 - place) for place, letter in enumerate("ABCDEFGHIJ", start=1)]


@pytest.fixture
def service(database: Database, settings: Settings) -> IngestService:
    return IngestService(database, settings)


def _send(service: IngestService, text: str, **asked: object) -> IngestReport:
    return service.ingest_files([Upload("api", text.encode())], IngestOptions(**asked))  # type: ignore[arg-type]


def _counts(report: IngestReport) -> tuple[int, int, int, int]:
    return report.inserted, report.updated, report.unchanged, report.removed


def test_an_upload_is_the_whole_chart_of_its_day(service: IngestService) -> None:
    assert _counts(_send(service, build_csv("2020-12-30", TEN))) == (10, 0, 0, 0)
    corrected: list[Row] = [*TEN[:8], (9, "K", 991), (10, "I", 500)]
    assert _counts(_send(service, build_csv("2020-12-30", corrected))) == (1, 1, 8, 1)
    assert read_stored_charts(service.database) == {
        ("ph", DAY): {track_of(letter): (place, streams) for place, letter, streams in corrected}
    }
    assert_kept_up(service.database)


def test_what_a_correction_overwrites_or_removes_is_kept_on_record(service: IngestService) -> None:
    _send(service, build_csv("2020-12-30", TEN))
    batch_id = _send(service, build_csv("2020-12-30", [*TEN[:8], (9, "I", 500)])).batch_id
    columns = (Correction.track_id, Correction.old_position, Correction.old_streams)
    with service.database.read() as connection:
        rows = connection.execute(
            select(Correction.batch_id, *columns, Correction.new_position, Correction.new_streams)
        )
        assert [tuple(row) for row in rows] == [
            (batch_id, track_of("I"), 9, 991, 9, 500),
            (batch_id, track_of("J"), 10, 990, None, None),
        ]


def test_the_same_upload_twice_changes_nothing_and_is_on_record_twice(service: IngestService) -> None:
    text = build_csv("2020-12-30", TEN)
    first, again = _send(service, text), _send(service, text)
    assert _counts(again) == (0, 0, 10, 0)
    assert again.batch_id != first.batch_id
    with service.database.read() as connection:
        assert connection.scalars(select(Region.version)).one() == 1
        assert len(connection.scalars(select(IngestBatch.id)).all()) == 2
        [digest] = set(connection.scalars(select(IngestFile.sha256)))
    assert len(digest) == 64


def test_an_upload_far_shorter_than_the_stored_chart_is_refused_unless_asked_for(
    service: IngestService,
) -> None:
    _send(service, build_csv("2020-12-30", TEN))
    short = build_csv("2020-12-30", TEN[:8])
    with pytest.raises(ConflictError, match="ph 2020-12-30 from 10 rows to 8"):
        _send(service, short)
    assert len(read_stored_charts(service.database)["ph", DAY]) == 10
    assert _counts(_send(service, short, replace=True)) == (0, 0, 8, 2)
    assert_kept_up(service.database)


def test_exactly_ninety_percent_is_enough(service: IngestService) -> None:
    _send(service, build_csv("2020-12-30", TEN))
    assert _counts(_send(service, build_csv("2020-12-30", TEN[:9]))) == (0, 0, 9, 1)


def test_a_skipped_row_leaves_what_was_stored_for_its_position_and_its_track(service: IngestService) -> None:
    _send(service, build_csv("2020-12-30", TEN))
    # Track D has bad streams, and stands on position 2, where B was stored.
    sent: list[Row] = [(1, "A", 999), (2, "D", "abc"), (3, "C", 900), *TEN[4:]]
    report = _send(service, build_csv("2020-12-30", sent), on_error="skip")
    assert _counts(report) == (0, 1, 7, 0)
    assert report.rejected == 1
    chart = read_stored_charts(service.database)["ph", DAY]
    assert chart[track_of("B")] == (2, 998)
    assert chart[track_of("D")] == (4, 996)
    assert chart[track_of("C")] == (3, 900)
    assert_kept_up(service.database)


def test_a_skipped_row_that_names_nothing_removes_nothing(service: IngestService) -> None:
    _send(service, build_csv("2020-12-30", TEN))
    nameless = build_csv("2020-12-30", TEN[:9]) + "?,x,y,1,?,2020-12-30,ph\n"
    assert _counts(_send(service, nameless, on_error="skip")) == (0, 0, 9, 0)
    dayless = build_csv("2020-12-30", TEN[:9]) + f"10,x,y,1,spotify:track:{track_of('J')},someday,ph\n"
    assert _counts(_send(service, dayless, on_error="skip")) == (0, 0, 9, 0)


def test_an_upload_of_bad_rows_alone_stores_nothing(service: IngestService) -> None:
    report = _send(service, build_csv("2020-12-30", [(1, "A", "x")]), on_error="skip")
    assert (_counts(report), report.rejected, report.changed) == ((0, 0, 0, 0), 1, False)
    assert read_stored_charts(service.database) == {}


def test_a_dry_run_answers_as_if_and_stores_nothing(service: IngestService) -> None:
    report = _send(service, build_csv("2020-12-30", TEN), dry_run=True)
    assert (report.batch_id, _counts(report)) == (None, (10, 0, 0, 0))
    _send(service, build_csv("2020-12-30", TEN))
    report = _send(service, build_csv("2020-12-30", [*TEN[:8], (9, "I", 5)]), dry_run=True)
    assert _counts(report) == (0, 1, 8, 1)
    assert len(read_stored_charts(service.database)["ph", DAY]) == 10
    with service.database.read() as connection:
        assert len(connection.scalars(select(IngestBatch.id)).all()) == 1


def test_the_newest_name_is_kept_and_a_backfill_overwrites_none(service: IngestService) -> None:
    def send(day: str, names: str) -> tuple[str | None, str | None]:
        _send(service, build_csv(day, [(1, "A", 5)], names=names))
        return read_names(service.database)[track_of("A")]

    assert send("2020-12-20", ",{} band") == (None, "A band")
    assert send("2020-12-10", "{} older,{} older") == ("A older", "A band")
    assert send("2020-12-25", "{} newer,") == ("A newer", "A band")
    assert send("2020-12-25", "{} mended,{} mended") == ("A mended", "A mended")
    assert send("2020-12-11", "{} old,{} old") == ("A mended", "A mended")


def test_within_an_upload_the_newest_day_names_the_track(service: IngestService) -> None:
    rows = [("2020-12-02,ph", (1, "A", 5), "new,"), ("2020-12-01,ph", (1, "A", 5), "old,old")]
    _send(service, build_table(rows))
    assert read_names(service.database)[track_of("A")] == ("new", "old")


def test_a_day_filled_in_gives_the_following_day_its_movement(service: IngestService) -> None:
    for day in ("2020-12-01", "2020-12-03", "2020-12-02"):
        _send(service, build_csv(day, TEN))
        assert_kept_up(service.database)
    _send(service, build_csv("2020-12-02", [(place, letter, 77) for place, letter, _ in TEN]))
    assert_kept_up(service.database)


@pytest.mark.parametrize("seed", range(3))
def test_after_any_uploads_everything_kept_up_is_what_the_rows_say(service: IngestService, seed: int) -> None:
    chance = random.Random(seed)
    wanted: dict[tuple[str, dt.date], dict[str, tuple[int, int]]] = {}
    for _ in range(12):
        days = chance.sample(
            [(region, dt.date(2020, 12, day)) for region in ("ph", "us") for day in range(1, 6)], 3
        )
        rows: list[tuple[str, Row, str]] = []
        for region, day in days:
            letters = chance.sample("ABCDEFGH", chance.randint(1, 6))
            chart: list[Row] = [
                (i, letter, chance.choice([0, 5, 10, 80])) for i, letter in enumerate(letters, 1)
            ]
            wanted[region, day] = {track_of(letter): (i, streams) for i, letter, streams in chart}  # type: ignore[misc]
            rows += [(f"{day},{region}", row, "{},{}") for row in chart]
        _send(service, build_table(chance.sample(rows, len(rows))), replace=True)
        assert read_stored_charts(service.database) == wanted
        assert_kept_up(service.database)
