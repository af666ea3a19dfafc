"""Every run leaves a record that can be read, listed and compared, whatever came of it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from training.cli import app
from training.runs import NoSuchRunError, flatten, read_run, read_runs, record_run, recorded


@pytest.fixture(autouse=True)
def runs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the records of a test go."""
    monkeypatch.setenv("CHARTCAST_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "runs"


def _list(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["runs", *arguments], env={"COLUMNS": "200", "TERM": "dumb"})


def test_a_run_leaves_what_repeats_it(runs_folder: Path) -> None:
    with record_run("fit", {"model": "lstm", "out": Path("x")}) as record:
        [started] = read_runs()
        assert started["status"] == "running"
        record |= {"models": ["lstm"], "data": "abc", "seed": 1, "figures": {"loss": 0.5}}
    [run] = read_runs()
    assert run == json.loads((runs_folder / f"{run['id']}.json").read_text())
    assert (run["status"], run["command"], run["data"], run["seed"]) == ("done", "fit", "abc", 1)
    assert run["config"] == {"model": "lstm", "out": "x"}
    assert run["started"] <= run["ended"]
    assert {"python", "numpy", "keras"} <= run["packages"].keys()
    if run["git"] is not None:  # the source may have been unpacked from an archive
        assert len(run["git"]["revision"]) == 40
        assert isinstance(run["git"]["dirty"], bool)
    assert [path.name for path in runs_folder.iterdir()] == [f"{run['id']}.json"]


def test_a_run_that_fails_is_on_record_too() -> None:
    with pytest.raises(ValueError, match="no chart"), record_run("fit", {}):
        raise ValueError("no chart in postgresql://me:secret@host/name")
    [run] = read_runs()
    assert run["status"] == "failed"
    assert run["outcome"] == "ValueError: no chart in postgresql://me:***@host/name"
    assert run["ended"]


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("postgresql+psycopg://me:se@cr:et@host/name", "postgresql+psycopg://me:***@host/name"),
        (
            "postgresql://host/name?user=me&password=secret&x=1",
            "postgresql://host/name?user=me&password=***&x=1",
        ),
        ("sqlite:////var/chartcast.db", "sqlite:////var/chartcast.db"),
    ],
)
def test_no_password_gets_into_a_record(
    runs_folder: Path, monkeypatch: pytest.MonkeyPatch, url: str, kept: str
) -> None:
    monkeypatch.setattr("sys.argv", ["training", "refresh", f"--database-url={url}"])
    with record_run("refresh", {"database_url": url}):
        pass
    [run] = read_runs()
    assert run["config"]["database_url"] == kept
    assert run["command_line"] == ["refresh", f"--database-url={kept}"]
    assert "secret" not in next(runs_folder.iterdir()).read_text()


def test_a_recorded_command_keeps_its_arguments_and_what_it_returns() -> None:
    @recorded
    def score(first: int, second: str = "b") -> dict[str, object]:
        return {"figures": {"sum": first}, "models": [second]}

    score(first=3)
    [run] = read_runs()
    assert (run["command"], run["config"], run["figures"]) == ("score", {"first": 3}, {"sum": 3})


def _store(folder: Path, run_id: str, command: str, model: str, **fields: object) -> None:
    times = {"started": "2026-01-01T00:00:00+00:00", "ended": "2026-01-01T00:01:30+00:00"}
    run = {
        "id": run_id,
        "command": command,
        "models": [model],
        "status": "done",
        "git": None,
        **times,
        **fields,
    }
    folder.mkdir(exist_ok=True)
    (folder / f"{run_id}.json").write_text(json.dumps(run))


@pytest.fixture
def three_runs(runs_folder: Path) -> None:
    """A fit of each of two models, and a backtest of one."""
    git = {"revision": "a" * 40, "dirty": True}
    _store(runs_folder, "20260101-fit-aaaa", "fit", "lstm", figures={"mae": 4.0}, config={"seed": 1}, git=git)
    _store(runs_folder, "20260102-fit-bbbb", "fit", "gru", figures={"mae": 3.0}, config={"seed": 1})
    _store(runs_folder, "20260103-backtest-cccc", "backtest", "gru", outcome="gru is better")


@pytest.mark.usefixtures("three_runs")
def test_runs_are_listed_newest_first_and_by_command_and_model() -> None:
    def listed(*arguments: str) -> list[str]:
        return [line.split()[0] for line in _list(*arguments).output.splitlines()[1:]]

    assert listed() == ["20260103-backtest-cccc", "20260102-fit-bbbb", "20260101-fit-aaaa"]
    assert listed("--command", "fit") == ["20260102-fit-bbbb", "20260101-fit-aaaa"]
    assert listed("--model", "gru", "--command", "fit") == ["20260102-fit-bbbb"]
    assert listed("--limit", "1") == ["20260103-backtest-cccc"]
    first, *_, last = _list().output.splitlines()[1:]
    assert first.endswith("gru is better")
    assert "90 s" in last
    assert "aaaaaaa+changes" in last


@pytest.mark.usefixtures("three_runs")
def test_two_runs_are_compared_by_what_differs() -> None:
    compared = _list("compare", "20260101", "bbbb")
    assert compared.exit_code == 0, compared.output
    rows = {line.split()[0]: line.split()[1:] for line in compared.output.splitlines()[1:]}
    assert rows["figures.mae"] == ["4", "3", "0.7500"]
    assert "config.seed" not in rows
    assert rows["git.revision"] == ["a" * 40]


@pytest.mark.usefixtures("three_runs")
def test_a_run_is_shown_by_any_part_that_means_it_alone() -> None:
    shown = _list("show", "cccc")
    assert json.loads(shown.output)["id"] == "20260103-backtest-cccc"
    for meant, said in [("2026", "3 runs have"), ("dddd", "no run has")]:
        with pytest.raises(NoSuchRunError, match=said):
            read_run(meant)
        assert _list("show", meant).exit_code == 2


def test_the_leaves_of_a_record_have_dotted_paths() -> None:
    assert dict(flatten({"a": {"b": 1, "c": {}}, "d": [2, 3]})) == {"a.b": 1, "d": [2, 3]}
