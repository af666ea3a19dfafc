"""``python -m app models use``."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli import app
from app.forecasting.versions import PINS, read_pins
from tests.small_bundles import publish_small


@pytest.fixture
def models_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two published versions of one model."""
    monkeypatch.setenv("CHARTCAST_MODELS_DIR", str(tmp_path))
    for version in (11, 12):
        publish_small(tmp_path, version=version)
    return tmp_path


def _use(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["models", "use", *arguments])


def test_a_model_is_held_to_a_version_and_let_go_again(models_dir: Path) -> None:
    held = _use("lstm", "11")
    assert held.exit_code == 0, held.output
    assert "lstm: held to version 11" in held.output
    assert _use("gru", "5").exit_code == 0  # that ships
    assert read_pins([models_dir]) == {"lstm": 11, "gru": 5}
    assert "newest version is served" in _use("lstm", "newest").output
    assert read_pins([models_dir]) == {"gru": 5}
    assert [path.name for path in models_dir.iterdir() if path.is_file()] == [PINS]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["lstm", "13"], "there are 5, 11, 12, and newest"),
        (["lstm", "-1"], ""),
        (["arima", "1"], "there is no model arima"),
    ],
)
def test_a_version_that_is_not_there_is_refused(models_dir: Path, arguments: list[str], told: str) -> None:
    result = _use(*arguments)
    assert result.exit_code == 2
    assert told in " ".join(result.output.replace("│", " ").split())
    assert not read_pins([models_dir])


def test_a_version_that_would_not_start_is_refused_before_it_is_pinned(models_dir: Path) -> None:
    (models_dir / "lstm" / "11" / "model.onnx").write_bytes(b"cut short")
    result = _use("lstm", "11")
    assert result.exit_code == 1
    assert "nothing was changed" in result.output
    assert "model.onnx is not the file that was published" in result.output
    assert not read_pins([models_dir])


def test_pins_that_cannot_be_read_are_not_written_over(models_dir: Path) -> None:
    (models_dir / PINS).write_text("{")
    assert _use("lstm", "11").exit_code == 1
    assert (models_dir / PINS).read_text() == "{"
