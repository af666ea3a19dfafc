"""The files that make and run containers agree with what they ship.

Building the image and running it is `deploy/build-without-engine.sh`: minutes, and root.
"""

import re
from typing import Any

import pytest
import uvicorn
import yaml

from app.config import ROOT, Settings

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
OF_TRAINING = {"CHARTCAST_RUNS_DIR"}  # which training/runs.py reads


def _pins(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.\[\]-]+)==(\S+)", text, re.MULTILINE))


def _stage(name: str) -> str:
    """What the Dockerfile says from ``FROM … AS name`` to the next stage."""
    found = re.search(rf"^FROM \S+ AS {name}$(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert found, f"there is no stage {name}"
    return found[1]


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-tracing.txt", "requirements-training.txt"]
)
def test_what_ships_is_what_the_tests_run_with(name: str) -> None:
    pins, tested = _pins(name), _pins("requirements-dev.txt")
    assert len(pins) > 40
    assert {package: tested.get(package) for package in pins} == pins


def test_the_serving_image_gets_no_tensorflow_and_the_training_image_does() -> None:
    assert "requirements-tracing.txt" in _stage("serving-packages")
    assert (
        not {"tensorflow", "tensorflow-cpu", "keras", "pandas", "pytest"}
        & _pins("requirements-tracing.txt").keys()
    )
    assert "requirements-training.txt" in _stage("training-packages")
    assert {"tensorflow-cpu", "keras"} <= _pins("requirements-training.txt").keys()


def test_all_that_is_copied_is_there_and_let_through() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = {line[1:] for line in ignore if line.startswith("!")}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert copied == let_through
    assert all((ROOT / source).exists() for source in copied)


def test_the_image_runs_as_a_user_of_its_own_in_exec_form() -> None:
    assert re.search(r"^USER 10001:10001$", _stage("running"), re.MULTILINE)
    for name in ("serving", "training"):
        assert "USER" not in _stage(name)  # which would undo it
        assert re.findall(r"^(?:CMD|ENTRYPOINT) (.)", _stage(name), re.MULTILINE) in (["["], ["[", "["])


def test_every_variable_set_for_containers_is_one_that_is_read() -> None:
    in_compose = {name for service in COMPOSE["services"].values() for name in service.get("environment", {})}
    named = in_compose | set(re.findall(r"\b((?:CHARTCAST|UVICORN)_\w+)=", DOCKERFILE))
    settings = {f"CHARTCAST_{field.upper()}" for field in Settings.model_fields}
    options = {f"UVICORN_{option.name}".upper() for option in uvicorn.main.params}
    read = settings | OF_TRAINING | options
    assert {name for name in named if name.startswith(("CHARTCAST_", "UVICORN_"))} <= read
    assert {"CHARTCAST_DATABASE_URL", "UVICORN_HOST"} <= named


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_every_service_of_compose_has_a_read_only_root_and_no_privileges(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"cap_add", "privileged", "pid", "network_mode"} & service.keys()


def test_compose_publishes_one_port_and_that_on_loopback() -> None:
    ports = {name: service.get("ports", []) for name, service in COMPOSE["services"].items()}
    assert {name: given for name, given in ports.items() if given} == {
        "chartcast": ["${LISTEN:-127.0.0.1:8000}:8000"]
    }
    assert COMPOSE["networks"]["store"] == {"internal": True}
    assert COMPOSE["services"]["postgres"]["networks"] == ["store"]


def test_no_secret_stands_in_a_file_that_is_committed() -> None:
    assert "secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert COMPOSE["secrets"] == {"postgres_password": {"file": "./secrets/postgres_password"}}
    for service in COMPOSE["services"].values():
        plain = {name for name in service.get("environment", {}) if not name.endswith("_FILE")}
        assert not [name for name in plain if "PASSWORD" in name]
        assert not re.search(r"://[^@/]*:[^@/]*@", str(service.get("environment")))
