"""Goal 6, in bulk: a million rows by ``python -m app ingest``, over the bare drivers."""

from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

from tests.bench.charts import Day, invent_days, to_csv
from tests.bench.database_floor import SqliteFloor, copy_into_postgres
from tests.bench.processes import start
from tests.bench.report import Row
from tests.bench.setting import Setting, ratios
from tests.bench.stores import create_database, create_schema, environment_of, postgres_server, sqlite_url

REGIONS = ("gb", "de", "fr", "it", "es")  # a file each: one of a million rows is over the largest body
DAYS = 1000
BUDGET_SECONDS = 90  # for each database


def measure(setting: Setting) -> Iterator[Row]:
    """Rows of the bulk on both databases."""
    charts = {region: list(invent_days(region, setting.count(DAYS))) for region in REGIONS}
    paths = [_write(setting.folder, region, days) for region, days in charts.items()]
    days = [day for of_region in charts.values() for day in of_region]
    yield from _measure_sqlite(setting, paths, days)
    with postgres_server() as server_url:
        yield _measure_postgres(setting, server_url, paths, days)


def _write(folder: Path, region: str, days: list[Day]) -> Path:
    path = folder / f"{region}.csv"
    path.write_bytes(to_csv(days))
    return path


def _measure_sqlite(setting: Setting, paths: list[Path], days: list[Day]) -> Iterator[Row]:
    peaks: list[float] = []
    numbers = count()

    def ours() -> float:
        url = sqlite_url(setting.folder, f"bulk-{next(numbers)}")
        seconds, peak = _ingest(url, setting.folder, paths)
        peaks.append(peak)
        return seconds

    def floor() -> float:
        path = setting.folder / f"floor-{next(numbers)}.db"
        with closing(SqliteFloor(path)) as bare:
            return bare.take_in(days)

    seconds = setting.interleave({"ours": ours, "floor": floor}, budget_seconds=BUDGET_SECONDS)
    yield _row("bulk_sqlite", seconds, days, "executemany, a transaction a day")
    yield Row("bulk_memory", peaks, f"the process that takes in {len(paths)} files")


def _measure_postgres(setting: Setting, server_url: str, paths: list[Path], days: list[Day]) -> Row:
    floor_url = create_database(server_url)
    rows = [row for day in days for row in day]
    seconds = setting.interleave(
        {
            "ours": lambda: _ingest(create_database(server_url), setting.folder, paths)[0],
            "floor": lambda: copy_into_postgres(floor_url, rows),
        },
        budget_seconds=BUDGET_SECONDS,
    )
    return _row("bulk_postgres", seconds, days, "one COPY of sorted rows")


def _ingest(database_url: str, folder: Path, paths: list[Path]) -> tuple[float, float]:
    """Seconds from start to end of the command, and its peak memory in MB."""
    create_schema(database_url)
    command = ["-m", "app", "ingest", *map(str, paths)]
    begin = perf_counter()
    peak = 0.0
    with start(command, environment_of(database_url, folder)) as process:
        while process.poll() is None:
            peak = max(peak, _read_peak(process.pid))
            sleep(0.02)
    if process.returncode:
        raise RuntimeError(f"the bulk ingest ended with code {process.returncode}")
    return perf_counter() - begin, peak


def _read_peak(pid: int) -> float:
    """MB that the process had at most so far: what wait4 tells counts in the one that it was forked from."""
    with suppress(OSError):  # it has ended; elsewhere than on Linux there is no such file
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _row(key: str, seconds: dict[str, list[float]], days: list[Day], floor: str) -> Row:
    rows = sum(map(len, days))
    ours, bare = (rows / median(seconds[name]) for name in ("ours", "floor"))
    note = f"{rows:,} rows, start and parsing included: {ours:,.0f} rows/s; {floor}: {bare:,.0f}"
    return Row(key, ratios(seconds["floor"], seconds["ours"]), note)
