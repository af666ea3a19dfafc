"""One statement reads what several would, as of any day."""

import datetime as dt

import pytest

from app.database import Database, build_engine
from app.repository.history import Entries, count_observed_days, read_entries, read_track_facts
from app.repository.regions import read_region
from app.repository.track_records import read_track_records
from tests.sample import LAST_DAY, Sample

REGION, OTHER = "ph", "us"
MOST = 20
DAYS = (LAST_DAY, LAST_DAY - dt.timedelta(days=30), dt.date(2020, 10, 5))


@pytest.mark.parametrize("as_of", [None, *DAYS])
def test_the_records_of_all_tracks_are_what_is_stored_of_them(
    shared_sample_url: str, sample: Sample, as_of: dt.date | None
) -> None:
    database = Database(build_engine(shared_sample_url))
    tracks = sorted({row.track_id for row in sample.rows})
    day = as_of or LAST_DAY
    with database.read() as connection:
        read = read_track_records(connection, REGION, tracks, as_of=as_of, most=MOST)
        assert read is not None
        region, records = read
        assert region == read_region(connection, REGION)
        facts = read_track_facts(connection, REGION, tracks)
        counts = count_observed_days(connection, REGION, tracks, day)
        entries = read_entries(connection, REGION, tracks, region.first_day, day)
    database.dispose()
    assert records.keys() == counts.keys()
    for track_id, record in records.items():
        assert record.facts == facts[track_id]
        assert record.observed_days == counts[track_id]
        days, streams, positions = entries[track_id]
        assert record.entries == Entries(days[-MOST:], streams[-MOST:], positions[-MOST:])


def test_tracks_that_had_not_charted_there_have_none_and_a_region_without_charts_is_none(
    shared_sample_url: str, sample: Sample
) -> None:
    database = Database(build_engine(shared_sample_url))
    elsewhere = sorted(sample.by_track[OTHER].keys() - sample.by_track[REGION].keys())
    with database.read() as connection:
        for tracks in (elsewhere, []):
            found = read_track_records(connection, REGION, tracks, as_of=None, most=MOST)
            assert found is not None
            assert found == (read_region(connection, REGION), {})
        assert read_track_records(connection, "de", elsewhere, as_of=None, most=MOST) is None
    database.dispose()
