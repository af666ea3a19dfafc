"""Files taken in one after the other: each an upload of its own, in their order, on both databases."""

from pathlib import Path

from app.config import Settings
from app.database import Database
from app.errors import ChartcastError
from app.ingest.folders import ingest_paths
from app.ingest.schemas import IngestReport
from app.ingest.service import IngestOptions, IngestService
from tests.ingest.chart_files import Row, build_csv
from tests.ingest.stored import assert_kept_up, read_stored_charts

ROWS: list[Row] = [(1, "A", 10), (2, "B", 5)]
NO_REGION = "position,streams,url,date\n1,10,spotify:track:{},{}\n"


def _ingest(
    database: Database, settings: Settings, folder: Path, files: dict[str, str]
) -> list[IngestReport | ChartcastError]:
    for name, content in files.items():
        (folder / name).write_text(content)
    paths = [folder / name for name in files]
    outcomes = list(ingest_paths(IngestService(database, settings), paths, IngestOptions()))
    assert [path for path, _ in outcomes] == paths
    return [outcome for _, outcome in outcomes]


def test_a_bad_file_leaves_nothing_and_the_others_go_in(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    files = {f"{day}.csv": build_csv(f"2020-12-0{day}", ROWS) for day in range(1, 5)}
    files["2.csv"] = build_csv("2020-12-02", [(1, "A", "many")])
    outcomes = _ingest(database, settings, tmp_path, files)
    assert [isinstance(outcome, IngestReport) for outcome in outcomes] == [True, False, True, True]
    assert sorted(day.day for _, day in read_stored_charts(database)) == [1, 3, 4]
    assert_kept_up(database)


def test_a_file_that_names_no_region_is_of_the_only_one_that_those_before_it_brought(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    bare = [NO_REGION.format("A" * 22, day) for day in ("2020-12-02", "2020-12-04")]
    other = build_csv("2020-12-03", ROWS).replace(",ph", ",us")
    files = {"a.csv": build_csv("2020-12-01", ROWS), "b.csv": bare[0], "c.csv": other, "d.csv": bare[1]}
    *good, refused = _ingest(database, settings, tmp_path, files)
    assert all(isinstance(outcome, IngestReport) for outcome in good)
    assert isinstance(refused, ChartcastError)
    assert "there are ph, us" in refused.detail
    assert {(region, day.day) for region, day in read_stored_charts(database)} == {
        ("ph", 1),
        ("ph", 2),
        ("us", 3),
    }
