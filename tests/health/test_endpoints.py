"""``/healthz`` and ``/readyz``."""

import hashlib
import json
import shutil
from pathlib import Path

import onnx
import pytest
from fastapi.testclient import TestClient
from onnx import numpy_helper
from sqlalchemy import text

from app.database import Database, build_engine
from app.forecasting.bundle_files import digest_of
from tests.serving import refuse, serve


def test_a_process_is_alive_and_ready_with_a_current_store_and_models(
    database_url: str, published_bundles: Path
) -> None:
    with serve(database_url, published_bundles) as client:
        assert client.get("/healthz").json() == {"status": "alive"}
        answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "models": {"multi_input": 1, "lstm": 1, "gru": 1}}


def _why_not_ready(client: TestClient) -> str:
    assert client.get("/healthz").status_code == 200
    return str(refuse(client.get("/readyz"), 503)["detail"])


def test_without_a_model_it_is_alive_and_not_ready(database_url: str, tmp_path: Path) -> None:
    with serve(database_url, tmp_path) as client:
        assert _why_not_ready(client) == "no model is loaded: publish a bundle and POST /models/reload"


def test_a_store_without_the_current_schema_is_not_ready(database_url: str, published_bundles: Path) -> None:
    database = Database(build_engine(database_url))
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    database.dispose()
    with serve(database_url, published_bundles) as client:
        assert _why_not_ready(client) == ("the database's schema is not current: run alembic upgrade head")


def test_a_store_that_was_never_migrated_is_not_ready(tmp_path: Path, published_bundles: Path) -> None:
    with serve(f"sqlite:///{tmp_path / 'new.db'}", published_bundles) as client:
        assert "run alembic upgrade head" in _why_not_ready(client)


def test_a_store_that_cannot_be_reached_is_not_ready(published_bundles: Path) -> None:
    with serve("postgresql+psycopg://nobody@127.0.0.1:1/none", published_bundles) as client:
        assert _why_not_ready(client) == "the database cannot be reached"


def test_every_reason_is_told(tmp_path: Path) -> None:
    with serve(f"sqlite:///{tmp_path / 'new.db'}", tmp_path / "models") as client:
        detail = _why_not_ready(client)
    assert "schema is not current" in detail
    assert "no model is loaded" in detail


@pytest.fixture
def altered_bundles(published_bundles: Path, tmp_path: Path) -> Path:
    """One GRU whose weights were exchanged, with every hash in order: only a replay can tell."""
    folder = Path(shutil.copytree(published_bundles / "gru" / "1", tmp_path / "models" / "gru" / "1"))
    graph = onnx.load(folder / "model.onnx")
    [bias] = [weight for weight in graph.graph.initializer if weight.name == "parted.bias"]
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + 0.01, bias.name))
    (folder / "model.onnx").write_bytes(graph.SerializeToString())
    described = json.loads((folder / "spec.json").read_text())
    described["files"]["model.onnx"] = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    (folder / "spec.json").write_text(json.dumps(described | {"digest": digest_of(described)}))
    return tmp_path / "models"


def test_golden_windows_are_replayed_before_it_is_ready(database_url: str, altered_bundles: Path) -> None:
    with serve(database_url, altered_bundles) as client:
        detail = _why_not_ready(client)
        assert "gru/1: gru 1 is off its golden windows by 0.02" in detail
        assert client.get("/models").json()["items"] == []


def test_what_is_wrong_with_a_bundle_is_told_without_where_it_is_on_the_machine(
    database_url: str, altered_bundles: Path, caplog: pytest.LogCaptureFixture
) -> None:
    graph = altered_bundles / "gru" / "1" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-9])
    with serve(database_url, altered_bundles) as client:
        detail = _why_not_ready(client)
        assert "(gru/1: gru/1/model.onnx is not the file that was published)" in detail
        assert str(graph) in caplog.text
        altered_bundles.rename(altered_bundles.with_name("gone"))
        client.app.state.model_store.follow()  # type: ignore[attr-defined]
        assert "(models: the folder is gone)" in _why_not_ready(client)
