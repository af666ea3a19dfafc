"""Records of runs: what was done with which data, code and settings, and what came of it.

A run leaves one JSON file, written when it starts and again when it ends, each time whole or not at all.
``docs/decisions/records-of-runs-are-plain-files.md`` says why there is no experiment tracker.
"""

import datetime as dt
import functools
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ParamSpec

from app.forecasting.bundle import Bundle

ROOT = Path(__file__).resolve().parent.parent
RUNS_VARIABLE = "CHARTCAST_RUNS_DIR"
# What can move a figure: the packages that fit, export, run and read.
PACKAGES = (
    "chartcast",
    "holidays",
    "keras",
    "lightgbm",
    "numpy",
    "onnx",
    "onnxruntime",
    "pandas",
    "scikit-learn",
    "statsforecast",
    "tensorflow",
    "tensorflow-cpu",
)
Record = dict[str, Any]
_P = ParamSpec("_P")


class NoSuchRunError(Exception):
    """There is no run, or more than one, that the given id means."""


def runs_dir() -> Path:
    """Where records are kept: ``CHARTCAST_RUNS_DIR``, by default ``var/runs``."""
    return Path(os.environ.get(RUNS_VARIABLE) or ROOT / "var" / "runs")


def recorded(command: Callable[_P, Record]) -> Callable[_P, None]:
    """Let a command leave a record: its arguments, and what it returns.

    Of what a command returns, these names mean the same in all: models (names), seed, data (a
    fingerprint), figures (numbers, nested), curves (losses after each epoch, by name) and outcome (a line).
    """

    @functools.wraps(command)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        with record_run(command.__name__.removesuffix("_model"), kwargs) as record:
            record |= command(*args, **kwargs)

    return run


@contextmanager
def record_run(command: str, config: Mapping[str, Any]) -> Iterator[Record]:
    """Keep a record of what happens inside; the caller adds to the record it is given.

    One that stays at "running" was killed. An exception is recorded as "failed", and goes on.
    """
    started = dt.datetime.now(dt.UTC)
    record: Record = {
        "id": f"{started:%Y%m%d-%H%M%S}-{command}-{secrets.token_hex(2)}",
        "command": command,
        "command_line": [_without_password(word) for word in sys.argv[1:]],
        "config": {name: _to_json(value) for name, value in config.items()},
        "started": started.isoformat(timespec="seconds"),
        "ended": None,
        "status": "running",
        "git": _read_git(),
        "packages": _read_versions(),
    }
    _write(record)
    try:
        yield record
        record["status"] = "done"
    except BaseException as error:
        record |= {"status": "failed", "outcome": _without_password(f"{type(error).__name__}: {error}")}
        raise
    finally:
        record["ended"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        _write(record)


def read_runs() -> list[Record]:
    """All records, newest first."""
    paths = sorted(runs_dir().glob("*.json"), reverse=True)  # an id begins with the time
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def read_run(run_id: str) -> Record:
    """The record whose id is, begins or ends with ``run_id``.

    Raises:
        NoSuchRunError: there is none, or more than one.
    """
    found = [run for run in read_runs() if run["id"].startswith(run_id) or run["id"].endswith(run_id)]
    if len(found) != 1:
        counted = f"{len(found)} runs have" if found else "no run has"
        raise NoSuchRunError(
            f"{counted} an id that begins or ends with {run_id}: see python -m training runs"
        )
    return found[0]


def describe_fit(bundle: Bundle) -> Record:
    """What a record says of a bundle that was just fitted."""
    training = bundle.training
    curves = {name: training.get(f"{name}_loss", []) for name in ("training", "validation")}
    losses = {f"{name}_loss": losses[-1] for name, losses in curves.items() if losses}
    said = ", ".join(f"{name.replace('_', ' ')} {loss:.5f}" for name, loss in losses.items())
    return {
        "models": [bundle.name],
        "seed": training["settings"]["seed"],
        "data": training["data"],
        "figures": {"epochs": training["epochs"], **losses},
        "curves": curves,
        "outcome": f"{training['epochs']} epochs through {bundle.trained_through}, {said}",
    }


def flatten(record: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of a record, each with its dotted path; a list is a leaf."""
    if not isinstance(record, dict):
        yield prefix, record
        return
    for name, value in record.items():
        yield from flatten(value, f"{prefix}.{name}" if prefix else name)


def _write(record: Record) -> None:
    folder = runs_dir()
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / f".{record['id']}.staged"
    staged.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    staged.replace(folder / f"{record['id']}.json")


def _to_json(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_to_json(each) for each in value]
    if isinstance(value, dt.datetime):
        return value.date().isoformat()  # the commands take days
    if isinstance(value, (bool, int, float, type(None))):
        return value
    return _without_password(str(value))


def _without_password(text: str) -> str:
    text = re.sub(r"(://[^:/@\s]*):\S*@", r"\1:***@", text)
    return re.sub(r"([?&]password=)[^&\s]*", r"\1***", text)


def _read_git() -> Record | None:
    """The revision of this code and whether the tree had changes of its own; None outside a repository."""

    def ask(*arguments: str) -> str:
        asked = ["git", "-C", str(ROOT), *arguments]
        ran = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=10)  # noqa: S603 (no input in it)
        return ran.stdout.strip()

    try:
        return {"revision": ask("rev-parse", "HEAD"), "dirty": bool(ask("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _read_versions() -> dict[str, str]:
    found = {"python": sys.version.split()[0]}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
