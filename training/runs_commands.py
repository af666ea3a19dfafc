"""``python -m training runs``: the records of runs as a table, one in full, two side by side."""

import datetime as dt
import json
from typing import Annotated, Any

import typer

from training.runs import NoSuchRunError, Record, flatten, read_run, read_runs

runs = typer.Typer(help="The records of runs, newest first; show one, compare two.")

COMPARED = ("config", "data", "seed", "git", "packages", "figures", "outcome")
IdArgument = Annotated[str, typer.Argument(help="The id, or the part that it begins or ends with.")]


@runs.callback(invoke_without_command=True)
def list_runs(
    context: typer.Context,
    command: Annotated[str | None, typer.Option(help="Only runs of this command.")] = None,
    model: Annotated[str | None, typer.Option(help="Only runs of this model.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 30,
) -> None:
    """The records of runs, newest first."""
    if context.invoked_subcommand is not None:
        return
    found = [run for run in read_runs() if command in (None, run["command"])]
    found = [run for run in found if model is None or model in run.get("models", [])]
    header = ["id", "status", "took", "models", "data", "code", "outcome"]
    print(_align([header, *(_row(run) for run in found[:limit])]))


@runs.command()
def show(run_id: IdArgument) -> None:
    """A record in full, as JSON."""
    print(json.dumps(_find(run_id), indent=2))


@runs.command()
def compare(first: IdArgument, second: IdArgument) -> None:
    """What differs between two runs: settings, data, code and figures."""
    one, other = _find(first), _find(second)
    print(_align([["", one["id"], other["id"], "ratio"], *_differences(one, other)]))


def _find(run_id: str) -> Record:
    try:
        return read_run(run_id)
    except NoSuchRunError as error:
        raise typer.BadParameter(str(error)) from None


def _row(run: Record) -> list[str]:
    git = run["git"]
    code = f"{git['revision'][:7]}{'+changes' if git['dirty'] else ''}" if git else ""
    models = ",".join(run.get("models", []))
    return [run["id"], run["status"], _took(run), models, run.get("data", ""), code, run.get("outcome", "")]


def _took(run: Record) -> str:
    if run["ended"] is None:
        return ""
    begin, end = (dt.datetime.fromisoformat(run[name]) for name in ("started", "ended"))
    return f"{(end - begin).total_seconds():.0f} s"


def _differences(one: Record, other: Record) -> list[list[str]]:
    sides = [dict(flatten({name: run.get(name) for name in COMPARED})) for run in (one, other)]
    paths = sides[0] | sides[1]
    pairs = [(path, sides[0].get(path), sides[1].get(path)) for path in paths]
    return [[path, _show(a), _show(b), _ratio(a, b)] for path, a, b in pairs if a != b]


def _show(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)


def _ratio(one: Any, other: Any) -> str:
    numbers = isinstance(one, (int, float)) and isinstance(other, (int, float)) and one
    return f"{other / one:.4f}" if numbers else ""


def _align(rows: list[list[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)
