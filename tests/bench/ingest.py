"""Goal 6, a day: ``POST /ingest`` of 200 rows over the bare driver's upsert of the same."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from statistics import median

from tests.bench.charts import SIZE, Day, invent_days, to_csv
from tests.bench.database_floor import BY_DAY, SqliteFloor
from tests.bench.load import build_post, run_load
from tests.bench.processes import Server, serve_as_make_run
from tests.bench.report import Row
from tests.bench.setting import Setting, ratios
from tests.bench.stores import environment_of, sample_store

DAYS = 40  # a round
REGION = "gb"


def build_ingest(day: Day) -> bytes:
    """The request that takes in one day."""
    return build_post("/ingest", to_csv([day]), "text/csv")


def measure(setting: Setting) -> Iterator[Row]:
    """The rows of the 200-row day."""
    url = sample_store(setting.folder, "ingest")
    with (
        serve_as_make_run(environment_of(url, setting.folder)) as server,
        closing(SqliteFloor(setting.folder / "floor.db")) as floor,
        closing(SqliteFloor(setting.folder / "by-day.db", BY_DAY)) as by_day,
    ):
        yield from _compare(setting, server, floor, by_day)


def _compare(setting: Setting, server: Server, floor: SqliteFloor, by_day: SqliteFloor) -> Iterator[Row]:
    days = setting.count(DAYS)
    for_ours, for_floor, for_by_day = (invent_days(REGION, days * setting.rounds) for _ in range(3))

    def bare(floor: SqliteFloor, coming: Iterator[Day]) -> float:
        return SIZE * days / floor.take_in(list(islice(coming, days)))

    def ours() -> float:
        requests = [build_ingest(day) for day in islice(for_ours, days)]
        return SIZE * days / sum(run_load(server.port, requests, status=(201,)).latencies)

    rates = setting.interleave(
        {"ours": ours, "floor": partial(bare, floor, for_floor), "by day": partial(bare, by_day, for_by_day)}
    )
    ms, floor_ms, by_day_ms = (1000 * SIZE / median(rates[name]) for name in rates)
    note = f"time inside the request, SQLite: {ms:.1f} ms a day against {floor_ms:.2f} ms"
    yield Row("day_sqlite", ratios(rates["ours"], rates["floor"]), note)
    note = f"the same against {by_day_ms:.2f} ms"
    yield Row("day_sqlite_by_day", ratios(rates["ours"], rates["by day"]), note)
