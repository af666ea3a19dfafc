"""Charts read from files and from the store are the same charts."""

from pathlib import Path

import numpy as np
import pytest

from tests.sample import SAMPLE, ingest_metadata, ingest_rows, read_rows
from training.data import DataError, fingerprint, read_panels, read_store


def test_the_store_gives_the_panels_that_its_files_gave(database_url: str) -> None:
    ingest_rows(database_url, list(read_rows()))
    ingest_metadata(database_url)
    stored = read_store(database_url)
    read = read_panels([SAMPLE / "charts"], [SAMPLE / "tracks.csv"])
    assert [panel.region for panel in stored] == [panel.region for panel in read] == ["ph", "us"]
    for one, other in zip(stored, read, strict=True):
        assert one.track_ids == other.track_ids
        np.testing.assert_array_equal(one.streams, other.streams)
        np.testing.assert_array_equal(one.positions, other.positions)
        np.testing.assert_array_equal(one.features, other.features)
        np.testing.assert_array_equal(one.release_days, other.release_days)
        np.testing.assert_array_equal(one.covariates.table, other.covariates.table)
    assert fingerprint(stored) == fingerprint(read)


def test_a_fingerprint_changes_with_a_single_value() -> None:
    panels = read_panels([SAMPLE / "charts" / "us.csv.gz"], [])
    before = fingerprint(panels)
    track = int(np.isfinite(panels[0].streams[:, -1]).argmax())
    panels[0].streams[track, -1] += 1
    assert fingerprint(panels) != before


def test_a_file_with_a_bad_row_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "charts.csv"
    path.write_text(
        "Position,Track Name,Artist,Streams,URL,Date,Region\n"
        "1,A,B,many,https://open.spotify.com/track/0000000000000000000001,2020-01-01,ph\n"
    )
    with pytest.raises(DataError, match=r"charts\.csv has 1 bad rows; the first, line 2: "):
        read_panels([path], [])


def test_no_chart_at_all_is_said(tmp_path: Path, sqlite_database_url: str) -> None:
    with pytest.raises(DataError, match="there is no daily chart"):
        read_panels([tmp_path], [])
    with pytest.raises(DataError, match="there is no daily chart"):
        read_store(sqlite_database_url)
