"""Models are swapped while they answer: every process follows, and no bad bundle breaks an answer."""

import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
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
    "copied": "holds the bundle lstm/",
}


@dataclass(frozen=True)
class _Service:
    """Two processes on one folder of bundles, as the workers of one service are."""

    processes: list[Server]
    database_url: str
    folder: Path

    @property
    def models(self) -> Path:
        """Where small bundles are."""
        return self.folder / "models" / "lstm"

    @property
    def newest(self) -> int:
        """The newest version there is."""
        return max(int(path.name) for path in self.models.iterdir())

    def publish(self) -> int:
        """Publish the next version; return it."""
        version = self.newest + 1
        _publish(self.folder, version)
        return version


@pytest.fixture(scope="module")
def service(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, sample: Sample
) -> Iterator[_Service]:
    """Up, on a few charts and a first version."""
    folder = tmp_path_factory.mktemp("service")
    url = f"sqlite:///{shutil.copy(sqlite_template, folder / 'chartcast.db')}"
    fill(url, sample)
    _publish(folder, FIRST)
    with ExitStack() as stack:
        yield _Service([stack.enter_context(serving(url, folder)) for _ in range(2)], url, folder)


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
    service: _Service, sample: Sample
) -> None:
    def predict(client: httpx.Client, _: int) -> httpx.Response:
        return client.post("/predict", json=_track(sample))

    old = service.newest
    _wait_until_all_serve(service.processes, old, sample)
    with ExitStack() as stack:
        loads = [stack.enter_context(under_load(s.address, [predict] * 2)) for s in service.processes]
        wait_until(lambda: all(load.answers for load in loads))
        new = service.publish()
        _wait_until_all_serve(service.processes, new, sample)
    for load in loads:
        _assert_undisturbed(load, {old, new})


def test_a_reload_is_in_force_when_it_answers_and_the_other_process_follows(
    service: _Service, sample: Sample
) -> None:
    first, *_ = service.processes
    for _ in range(3):  # whatever the processes find by themselves meanwhile
        version = service.publish()
        assert first.client.post("/models/reload").status_code == 200
        assert _version(first, sample) == version
    _wait_until_all_serve(service.processes, service.newest, sample)


def test_a_bad_bundle_is_refused_by_every_process_which_say_why_and_serve_on(
    service: _Service, sample: Sample
) -> None:
    good = service.newest
    name = f"lstm/{good + 1}"
    _wait_until_all_serve(service.processes, good, sample)
    for fault, said in FAULTS.items():
        folder = _spoil(service.models, good, fault)
        for server in service.processes:
            _wait_until_refused(server, name, said)
            assert _version(server, sample) == good
            assert server.client.get("/readyz").status_code == 200
            assert server.client.post("/models/reload").json()["refused"].keys() == {name}
        shutil.rmtree(folder)
    log = (service.folder / "server.log").read_text()
    assert all(said in log for said in FAULTS.values())


def _wait_until_refused(server: Server, name: str, said: str) -> None:
    wait_until(lambda: said in _refused(server).get(name, ""))


def _refused(server: Server) -> dict[str, str]:
    refused: dict[str, str] = server.client.get("/models").json()["refused"]
    return refused


def _spoil(models: Path, good: int, fault: str) -> Path:
    """Put a bad bundle where the next version would be, in one step as a good one comes."""
    bad = publish_small(models.parent.parent / "elsewhere", version=good + 1, answer=0.9)
    described = bad / "spec.json"
    if fault == "truncated":
        (bad / "model.onnx").write_bytes((bad / "model.onnx").read_bytes()[:-100])
    elif fault == "swapped":
        shutil.copy(models / str(good) / "model.onnx", bad / "model.onnx")
    elif fault == "edited":
        described.write_text(described.read_text().replace('"epochs": 3', '"epochs": 4'))
    elif fault == "of another release":
        described.write_text(described.read_text().replace('"format": 1', '"format": 2'))
    else:
        shutil.rmtree(bad)
        shutil.copytree(models / str(good), bad)
    return bad.rename(models / bad.name)


def test_an_operator_rolls_back_and_it_holds_for_every_process_and_the_next_start(
    service: _Service, sample: Sample
) -> None:
    old = service.newest
    _wait_until_all_serve(service.processes, service.publish(), sample)
    _use(service, str(old))
    _wait_until_all_serve(service.processes, old, sample)
    service.publish()
    assert service.processes[0].client.post("/models/reload").json()["pinned"] == {"lstm": old}
    with serving(service.database_url, service.folder) as restarted:
        _wait_until_all_serve([*service.processes, restarted], old, sample)
    _use(service, "newest")
    _wait_until_all_serve(service.processes, service.newest, sample)


def _use(service: _Service, version: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "app", "models", "use", "lstm", version],
        env=settings_of(service.database_url, service.folder),
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=SECONDS,
    )
