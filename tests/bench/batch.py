"""Goal 2: what a track costs in a batch of 200, and how long a region's whole chart takes."""

from collections.abc import Iterator
from statistics import median

from tests.bench.load import run_load
from tests.bench.processes import Server, serve_as_make_run
from tests.bench.report import Row
from tests.bench.setting import Setting, ratios
from tests.bench.stores import (
    build_batch,
    build_predict,
    environment_of,
    read_chart,
    sample_store,
    warm_up,
)

SINGLES, BATCHES = 200, 5


def measure(setting: Setting) -> Iterator[Row]:
    """Rows of goal 2."""
    url = sample_store(setting.folder, "batch")
    with serve_as_make_run(environment_of(url, setting.folder)) as server:
        track_ids = read_chart(server)
        warm_up(server, track_ids)
        yield from _compare(setting, server, track_ids)


def _compare(setting: Setting, server: Server, track_ids: list[str]) -> Iterator[Row]:
    singles = [build_predict(track_id) for track_id in track_ids[: setting.count(SINGLES)]]
    batches = [build_batch(track_ids)] * setting.count(BATCHES)
    times: dict[str, list[float]] = {"single": [], "batch": []}

    def cpu_of(name: str, requests: list[bytes]) -> float:
        """CPU seconds a request, the server's alone; its time goes into ``times``."""
        before = server.cpu_seconds()
        load = run_load(server.port, requests)
        times[name].append(load.percentile(50))
        return (server.cpu_seconds() - before) / len(requests)

    cpu = setting.interleave(
        {"single": lambda: cpu_of("single", singles), "batch": lambda: cpu_of("batch", batches)}
    )
    per_track = [seconds / len(track_ids) for seconds in cpu["batch"]]
    yield Row("batch_cpu", ratios(per_track, cpu["single"]), _say_cpu(per_track, cpu["single"]))
    yield Row("region_chart", ratios(times["batch"], times["single"]), _say_time(times, len(track_ids)))


def _say_cpu(per_track: list[float], single: list[float]) -> str:
    batch_ms, single_ms = 1000 * median(per_track), 1000 * median(single)
    return (
        f"CPU of the server process, SQLite: {batch_ms:.2f} ms a track against {single_ms:.2f} ms a request"
    )


def _say_time(times: dict[str, list[float]], tracks: int) -> str:
    batch_ms, single_ms = 1000 * median(times["batch"]), 1000 * median(times["single"])
    return f"one batch of the last chart's {tracks} tracks {batch_ms:.0f} ms, one request {single_ms:.2f} ms"
