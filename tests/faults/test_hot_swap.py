"""Models are swapped while they answer: every process follows, and no bad bundle breaks an answer."""

import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.bench.processes import ROOT
from tests.faults.load import Load, under_load
from tests.faults.servers import SECONDS, Server, fill, last_charts, serving, settings_of, wait_until
from tests.sample import Sample
from tests.small_bundles import publish_small

FIRST = 11  # later than those that ship
# What is wrong with a bundle, and what is said of it.
FAULTS = {
    "truncated": "model.onnx is not the file that was published",
    "swapped": "model.onnx is not the file that was published",
    "edited": "spec.json is not the file that was published",
    "of another release": "this release reads 1",
    "copied": f"holds the bundle lstm/{FIRST}",
}


@pytest.fixture
def processes(sqlite_database_url: str, sample: Sample, tmp_path: Path) -> Iterator[list[Server]]:
    """Two processes on one folder of bundles, as the workers of one service are."""
    fill(sqlite_database_url, sample)
    _publish(tmp_path, FIRST)
    with ExitStack() as stack:
        yield [stack.enter_context(serving(sqlite_database_url, tmp_path)) for _ in range(2)]


def _publish(folder: Path, version: int) -> Path:
    return publish_small(folder / "models", version=version, answer=version / 50)


def _track(sample: Sample) -> dict[str, str]:
    return {"track_id": last_charts(sample, 1)[0].track_id, "region": "ph", "model": "lstm"}


def _version(server: Server, sample: Sample) -> int:
    answer = server.client.post("/predict", json=_track(sample))
    assert answer.status_code == 200, answer.text
    version: int = answer.json()["model"]["version"]
    return version


def _wait_until_all_serve(processes: list[Server], version: int, sample: Sample) -> None:
    wait_until(lambda: {_version(server, sample) for server in processes} == {version})


def _assert_undisturbed(load: Load, versions: set[int]) -> None:
    """Every request was answered, by one version or the other and by nothing in between."""
    assert not load.errors
    assert load.statuses() == {200}
    streams = defaultdict(set)
    for answer in load.answers:
        streams[answer.json()["model"]["version"]].add(answer.json()["forecasts"][0]["streams"])
    assert streams.keys() == versions
    assert all(len(of_version) == 1 for of_version in streams.values())
    assert len(set.union(*streams.values())) == len(versions)


def test_every_process_takes_up_what_is_published_and_no_request_notices(
    processes: list[Server], sample: Sample, tmp_path: Path
) -> None:
    def predict(client: httpx.Client, _: int) -> httpx.Response:
        return client.post("/predict", json=_track(sample))

    with (
        under_load(processes[0].address, [predict] * 2) as first,
        under_load(processes[1].address, [predict] * 2) as second,
    ):
        wait_until(lambda: bool(first.answers and second.answers))
        _publish(tmp_path, FIRST + 1)
        _wait_until_all_serve(processes, FIRST + 1, sample)
    for load in (first, second):
        _assert_undisturbed(load, {FIRST, FIRST + 1})


def test_a_reload_is_in_force_when_it_answers_and_the_other_process_follows(
    processes: list[Server], sample: Sample, tmp_path: Path
) -> None:
    for version in range(FIRST + 1, FIRST + 4):  # whatever the processes find by themselves meanwhile
        _publish(tmp_path, version)
        assert processes[0].client.post("/models/reload").status_code == 200
        assert _version(processes[0], sample) == version
    _wait_until_all_serve(processes, FIRST + 3, sample)


def test_a_bad_bundle_is_refused_by_every_process_which_say_why_and_serve_on(
    processes: list[Server], sample: Sample, tmp_path: Path
) -> None:
    name = f"lstm/{FIRST + 1}"
    for fault, said in FAULTS.items():
        folder = _spoil(tmp_path / "models" / "lstm", fault)
        for server in processes:
            _wait_until_refused(server, name, said)
            assert _version(server, sample) == FIRST
            assert server.client.get("/readyz").status_code == 200
            assert server.client.post("/models/reload").json()["refused"].keys() == {name}
        shutil.rmtree(folder)
    log = (tmp_path / "server.log").read_text()
    assert all(said in log for said in FAULTS.values())


def _wait_until_refused(server: Server, name: str, said: str) -> None:
    wait_until(lambda: said in _refused(server).get(name, ""))


def _refused(server: Server) -> dict[str, str]:
    refused: dict[str, str] = server.client.get("/models").json()["refused"]
    return refused


def _spoil(models: Path, fault: str) -> Path:
    """Put a bad bundle where the next version would be, in one step as a good one comes."""
    made = models.parent / "elsewhere"
    bad = publish_small(made, version=FIRST + 1, answer=0.9)
    if fault == "truncated":
        (bad / "model.onnx").write_bytes((bad / "model.onnx").read_bytes()[:-100])
    elif fault == "swapped":
        shutil.copy(models / str(FIRST) / "model.onnx", bad / "model.onnx")
    elif fault == "edited":
        (bad / "spec.json").write_text(
            (bad / "spec.json").read_text().replace('"horizon": 7', '"horizon": 6')
        )
    elif fault == "of another release":
        text = (bad / "spec.json").read_text()
        (bad / "spec.json").write_text(text.replace('"format": 1', '"format": 2'))
    else:
        shutil.rmtree(bad)
        shutil.copytree(models / str(FIRST), bad)
    return bad.rename(models / str(FIRST + 1))


def test_an_operator_rolls_back_and_it_holds_for_every_process_and_the_next_start(
    processes: list[Server], sqlite_database_url: str, sample: Sample, tmp_path: Path
) -> None:
    _publish(tmp_path, FIRST + 1)
    _wait_until_all_serve(processes, FIRST + 1, sample)
    _use(sqlite_database_url, tmp_path, str(FIRST))
    _wait_until_all_serve(processes, FIRST, sample)
    _publish(tmp_path, FIRST + 2)
    assert processes[0].client.post("/models/reload").json()["pinned"] == {"lstm": FIRST}
    with serving(sqlite_database_url, tmp_path) as restarted:
        _wait_until_all_serve([*processes, restarted], FIRST, sample)
    _use(sqlite_database_url, tmp_path, "newest")
    _wait_until_all_serve(processes, FIRST + 2, sample)


def _use(database_url: str, folder: Path, version: str) -> None:
    command = [sys.executable, "-m", "app", "models", "use", "lstm", version]
    subprocess.run(
        command,
        env=settings_of(database_url, folder),
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=SECONDS,
    )
