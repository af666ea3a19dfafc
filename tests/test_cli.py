"""``python -m app ingest``."""

import gzip
import os
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import app
from app.database import Database, build_engine
from tests.ingest.chart_files import Row, build_csv
from tests.ingest.stored import read_stored_charts

REPOSITORY = Path(__file__).parents[1]
ROWS: list[Row] = [(1, "A", 300), (2, "B", 200)]


@pytest.fixture
def database_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store that is not there yet."""
    url = f"sqlite:///{tmp_path / 'store' / 'chartcast.db'}"
    monkeypatch.setenv("CHARTCAST_DATABASE_URL", url)
    return url


@pytest.fixture
def charts(tmp_path: Path) -> Path:
    folder = tmp_path / "charts"
    (folder / "2020").mkdir(parents=True)
    (folder / "ph-2020-12-30.csv").write_text(build_csv("2020-12-30", ROWS))
    (folder / "2020" / "ph-2020-12-29.csv.gz").write_bytes(
        gzip.compress(build_csv("2020-12-29", ROWS).encode())
    )
    (folder / "notes.txt").write_text("no chart")
    return folder


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["ingest", *map(str, arguments)])


def _count_days(url: str) -> int:
    database = Database(build_engine(url))
    days = len(read_stored_charts(database))
    database.dispose()
    return days


def test_a_folder_goes_in_file_by_file_into_a_store_made_on_the_way(charts: Path, database_url: str) -> None:
    result = _run(charts)
    assert result.exit_code == 0, result.output
    assert "2 files, one transaction each" in result.stdout
    assert result.stdout.count("2 inserted") == 2
    assert _count_days(database_url) == 2
    assert _run(charts).stdout.count("2 unchanged") == 2


def test_a_store_that_holds_charts_is_served_as_it_is_and_what_is_said_adds_to_it(
    charts: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run(charts).exit_code == 0
    monkeypatch.setattr("app.cli._serve", lambda *_: None)
    later = charts.parent / "later charts"
    later.mkdir()
    (later / "ph-2020-12-31.csv").write_text(build_csv("2020-12-31", ROWS))
    started = CliRunner().invoke(app, ["serve", "--data", str(later), "--tracks", "features.csv"])
    assert started.exit_code == 0, started.output
    assert "features.csv is not read; POST /tracks/metadata takes it" in started.output
    assert _count_days(database_url) == 2
    command = started.output.split("to add to them: ")[1].split("\n")[0]
    variable, *words = shlex.split(command)
    subprocess.run(words, check=True, env=os.environ | dict([variable.split("=", 1)]), cwd=REPOSITORY)
    assert _count_days(database_url) == 3


def test_a_bad_file_is_told_and_the_others_go_in(charts: Path, database_url: str) -> None:
    (charts / "a.csv").write_text(build_csv("2020-12-28", [(1, "A", "[abc]")]))
    (charts / "b.csv").write_text("<html>")
    result = _run(charts)
    assert result.exit_code == 1
    assert "line 2: streams is not a whole number >= 0 ('[abc]')" in result.stdout
    assert "HTML page" in result.stdout
    assert _count_days(database_url) == 2


def test_a_dry_run_stores_nothing(charts: Path, database_url: str) -> None:
    assert "(dry run)" in _run(charts, "--dry-run").stdout
    assert _count_days(database_url) == 0


@pytest.mark.parametrize(
    "arguments",
    [["/nowhere"], [".", "--region", "zz"], [".", "--date", "today"], [".", "--on-error", "maybe"]],
)
@pytest.mark.usefixtures("database_url")
def test_arguments_that_make_no_sense_are_told(arguments: list[str]) -> None:
    assert _run(*arguments).exit_code == 2


def test_a_store_that_cannot_be_reached_is_told_without_its_password(
    charts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARTCAST_DATABASE_URL", "postgresql+psycopg://somebody:s3cret@127.0.0.1:1/charts")
    result = _run(charts)
    assert result.exit_code == 1
    assert "The database cannot be used for now" in result.stdout
    assert "Connection refused" in result.stdout
    assert "s3cret" not in result.output


@pytest.mark.usefixtures("database_url")
def test_refusals_name_the_commands_options_and_no_parameters_of_a_request(tmp_path: Path) -> None:
    chart: list[Row] = [(n, chr(ord("A") + n), 100) for n in range(1, 21)]
    whole = [tmp_path / f"{region}-2020-12-10.csv" for region in ("ph", "us")]
    for path in whole:
        path.write_text(build_csv("2020-12-10", chart, region=path.name[:2]))
    assert _run(*whole).exit_code == 0
    whole[0].write_text(build_csv("2020-12-10", ROWS))
    bad, nameless = tmp_path / "ph-2020-12-11.csv", tmp_path / "nameless.csv"
    bad.write_text(build_csv("2020-12-11", [*ROWS, (3, "C", "[abc]")]))
    nameless.write_text(build_csv("2020-12-12", ROWS).replace(",Region", "").replace(",ph", ""))
    said = _run(whole[0], bad, nameless).stdout
    for advice in (
        "or give --replace where",
        "or give --on-error skip to",
        "; give --region (there are ph, us)",
    ):
        assert advice in said
    assert _run(whole[0], "--replace").exit_code == 0


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("CHARTCAST_RATE_LIMIT", "many", "CHARTCAST_RATE_LIMIT: Input should be a valid integer"),
        (
            "CHARTCAST_DATABASE_URL",
            "mysql://me:secret@host/name",
            "write sqlite:///<file> or postgresql+psycopg",
        ),
        ("CHARTCAST_DATABASE_URL", "store.db", "CHARTCAST_DATABASE_URL: no address of a store"),
        ("CHARTCAST_DATABASE_PASSWORD_FILE", "/nowhere", "CHARTCAST_DATABASE_PASSWORD_FILE: Path"),
    ],
)
@pytest.mark.parametrize("command", [["serve"], ["ingest", "."], ["keys", "list"], ["audit"]])
def test_a_setting_that_makes_no_sense_is_told_in_a_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, command: list[str], variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "secret" not in result.output
    assert result.stderr.count("\n") == 1


@pytest.mark.usefixtures("database_url")
def test_a_port_that_there_is_none_of_is_refused_before_the_store_is_made(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["serve", "--port", "99999"])
    assert result.exit_code == 2
    assert "--port" in result.stderr
    assert not (tmp_path / "store").exists()
