"""The rules of the house: which room may import what. Read from the source, and held."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import ROOT

TRAINING_ONLY = {
    "tensorflow",
    "keras",
    "pandas",
    "matplotlib",
    "onnx",
    "lightgbm",
    "sklearn",
    "statsforecast",
}
STATEMENTS = {
    "select",
    "insert",
    "update",
    "delete",
    "text",
    "union",
    "union_all",
    "exists",
    "literal_column",
}
SQL_ROOMS = ("app.repository", "app.models", "app.database", "app.database_errors", "app.schema")
KERNEL = "app.forecasting"
# What each module of training may import of the app beside the kernel and the calendar.
TRAINING_MAY: dict[str, tuple[str, ...]] = {
    "training.data": ("app",),
    "training.bundles": ("app.model_store", "app.runtime"),
    "training.evaluation": ("app.model_store",),
    "training.row_models": ("app.model_store", "app.runtime"),
}


def _name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports_of(path: Path) -> Iterator[str]:
    """Every import in a file, wherever in it, in full: ``from a import b`` is a.b."""
    package = _name_of(path).split(".")
    package = package if path.name == "__init__.py" else package[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            relative = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*relative, *([node.module] if node.module else [])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def _imports(room: str) -> dict[str, set[str]]:
    """Module -> what it imports, for every module of a room."""
    found = {_name_of(path): set(_imports_of(path)) for path in sorted((ROOT / room).rglob("*.py"))}
    assert found, f"there is no {room}"
    return found


def _within(name: str, *rooms: str) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def _offences(room: str, refused: set[str] | None = None, **allowed: tuple[str, ...]) -> list[str]:
    """Imports of the packages ``refused``, in modules that are not ``allowed`` to."""
    return [
        f"{module} imports {name}"
        for module, names in _imports(room).items()
        for name in sorted(names)
        if name.split(".")[0] in (refused or set()) and not _within(module, *allowed.get("to", ()))
    ]


def test_the_kernel_imports_numpy_the_standard_library_and_itself_alone() -> None:
    offences = [
        f"{module} imports {name}"
        for module, names in _imports("app/forecasting").items()
        for name in sorted(names)
        if not _within(name, KERNEL, "numpy", *sys.stdlib_module_names)
    ]
    assert not offences


def test_the_app_never_imports_training_nor_what_training_alone_needs() -> None:
    assert not _offences("app", {"training", "tests", *TRAINING_ONLY})
    assert not _offences("migrations", {"training", "tests", *TRAINING_ONLY})


def test_one_file_knows_onnx_runtime() -> None:
    assert not _offences("app", {"onnxruntime"}, to=("app.runtime",))
    assert not _offences("training", {"onnxruntime"})


def test_training_knows_the_kernel_the_calendar_and_little_else_of_the_app() -> None:
    offences = [
        f"{module} imports {name}"
        for module, names in _imports("training").items()
        for name in sorted(names)
        if _within(name, "app", "tests")
        and not _within(name, KERNEL, "app.calendar", *TRAINING_MAY.get(module, ()))
    ]
    assert not offences


def test_the_repository_is_the_only_room_that_writes_sql() -> None:
    offences = [
        f"{module} imports {name}"
        for module, names in _imports("app").items()
        for name in sorted(names)
        if name.split(".")[0] == "sqlalchemy"
        and (name.split(".")[-1] in STATEMENTS or name == "sqlalchemy")
        and not _within(module, *SQL_ROOMS)
    ]
    assert not offences
    assert not _offences("training", {"sqlalchemy", "psycopg", "sqlite3"})
    assert not _offences("app", {"psycopg", "sqlite3"}, to=SQL_ROOMS)


def test_the_rules_see_imports_wherever_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = tmp_path / "room" / "inner"
    room.mkdir(parents=True)
    (room / "module.py").write_text(
        "import a.b as c\n"
        "from . import near\n"
        "from ..outer import far\n"
        "def late():\n"
        "    from sqlalchemy import select as s\n"
    )
    monkeypatch.setattr("tests.test_architecture.ROOT", tmp_path)
    assert _imports("room") == {
        "room.inner.module": {"a.b", "room.inner.near", "room.outer.far", "sqlalchemy.select"}
    }


# What a process on SQLite that serves predictions has no use for, and would take long to import.
UNUSED = {
    "alembic",  # unless a migration is due
    "holidays.countries.philippines",  # the chart is of another country
    "numpy.ma",
    "psycopg",
    "sqlalchemy.dialects.postgresql",
}
START = f"""
import sys
from fastapi.testclient import TestClient
from app.main import app

with TestClient(app, client=("127.0.0.1", 50000)) as client:
    assert client.get("/readyz").status_code == 200
    track_id = client.get("/tracks?region=us&limit=1").json()["items"][0]["track_id"]
    answer = client.post("/predict", json={{"track_id": track_id, "region": "us"}})
    assert answer.status_code == 200, answer.text
loaded = sorted(set(sys.modules).intersection({sorted(TRAINING_ONLY | UNUSED)} + ["training"]))
assert {{"onnxruntime", "holidays.countries.united_states"}} <= set(sys.modules)
assert not loaded, loaded
"""


def test_a_process_that_answered_a_prediction_loaded_nothing_that_it_has_no_use_for(
    sqlite_sample: Path, tmp_path: Path
) -> None:
    store = shutil.copy(sqlite_sample, tmp_path)
    settings = {
        "CHARTCAST_DATABASE_URL": f"sqlite:///{store}",
        "CHARTCAST_MODELS_DIR": str(tmp_path / "none"),
    }
    started = subprocess.run(
        [sys.executable, "-c", START],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode == 0, started.stderr


def test_the_command_line_loads_no_server_and_no_progress_bar_before_they_are_wanted() -> None:
    program = "import sys, app.cli; print({'app.main', 'uvicorn', 'rich.progress'} & set(sys.modules))"
    started = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert started.stdout == "set()\n"
