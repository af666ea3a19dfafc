"""Goal 8: a prediction and a daily ingest on stores of 1 thousand, 300 thousand and 5 million rows."""

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import islice
from statistics import median

from sqlalchemy import Insert, Table, literal, select

from app.database import Base, Database, build_engine
from app.models import ChartDay, DailyStreams, Region, TrackRegion
from tests.bench.charts import FIRST_DAY, Day, invent_days, to_csv
from tests.bench.ingest import build_ingest
from tests.bench.load import build_post, run_load
from tests.bench.processes import Server, serve_as_make_run
from tests.bench.report import Row
from tests.bench.setting import Setting, ratios
from tests.bench.stores import environment_of, fill_with, read_chart, sqlite_url

REGION = "us"
COPIES = (
    "gb",
    "de",
    "fr",
    "it",
    "es",
    "nl",
    "be",
    "se",
    "no",
    "dk",
    "fi",
    "pl",
    "pt",
    "ie",
    "at",
    "ch",
    "cz",
)
DAYS = {"1k": 5, "300k": 1500, "5m": 1500}  # of a region; the largest store has it and its copies
PREDICTS, INGESTS = 200, 8  # a round


def measure(setting: Setting) -> Iterator[Row]:
    """Rows of goal 8, on SQLite, and the thousandth day of goal 6."""
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for name, days in DAYS.items():
            url = _build_store(setting, name, days)
            servers[name] = stack.enter_context(serve_as_make_run(environment_of(url, setting.folder)))
        yield from _measure_predict(setting, servers)
        yield from _measure_ingest(setting, servers)


def _build_store(setting: Setting, name: str, days: int) -> str:
    url = sqlite_url(setting.folder, name)
    path = setting.folder / f"{name}.csv"
    path.write_bytes(to_csv(list(invent_days(REGION, days))))
    fill_with(url, [path])
    if name == "5m":
        _copy_region(url, COPIES[: setting.count(len(COPIES))])
    return url


def _copy_region(url: str, codes: tuple[str, ...]) -> None:
    """Give other regions the same charts, by SQL: taking in millions of rows is another measurement."""
    database = Database(build_engine(url))
    with database.write() as connection:
        for code in codes:
            for model in (Region, TrackRegion, ChartDay, DailyStreams):
                connection.execute(_copy(model, code))
    database.dispose()


def _copy(model: type[Base], code: str) -> Insert:
    table = model.__table__
    assert isinstance(table, Table)
    key = "code" if model is Region else "region"
    values = [literal(code) if column.name == key else column for column in table.columns]
    return table.insert().from_select(table.columns.keys(), select(*values).where(table.c[key] == REGION))


def _measure_predict(setting: Setting, servers: dict[str, Server]) -> Iterator[Row]:
    requests = {name: _build_predicts(setting, name, server) for name, server in servers.items()}

    def latency(name: str) -> float:
        return run_load(servers[name].port, requests[name]).percentile(50)

    for name in servers:
        latency(name)  # the first forecasts of a model in a region make those of its past
    seconds = setting.interleave({name: partial(latency, name) for name in servers})
    yield from _rows("predict", seconds, "median of one request with lstm")


def _build_predicts(setting: Setting, name: str, server: Server) -> list[bytes]:
    """By name, as auto may take the baseline on invented charts: there would be no inference."""
    last_day = FIRST_DAY + dt.timedelta(days=DAYS[name] - 1)
    track_ids = read_chart(server, REGION, last_day.isoformat())[: setting.count(PREDICTS)]
    asked = [{"track_id": track_id, "region": REGION, "model": "lstm"} for track_id in track_ids]
    return [build_post("/predict", body) for body in asked]


def _measure_ingest(setting: Setting, servers: dict[str, Server]) -> Iterator[Row]:
    days = setting.count(INGESTS)
    coming = {name: _days_after(DAYS[name], days * setting.rounds) for name in servers}

    def latency(name: str) -> float:
        requests = [build_ingest(day) for day in islice(coming[name], days)]
        return run_load(servers[name].port, requests, status=(201,)).percentile(50)

    seconds = setting.interleave({name: partial(latency, name) for name in servers})
    yield from _rows("ingest", seconds, "median of the next 200-row days")
    note = "the same days as in goal 8's row of 300 thousand rows, one region"
    yield Row("day_1000", ratios(seconds["300k"], seconds["1k"]), note)


def _days_after(stored: int, more: int) -> Iterator[Day]:
    return islice(invent_days(REGION, stored + more), stored, None)


def _rows(what: str, seconds: dict[str, list[float]], measured: str) -> Iterator[Row]:
    said = ", ".join(f"{name}: {1000 * median(values):.2f} ms" for name, values in seconds.items())
    note = f"{measured}, SQLite; {said}"
    yield Row(f"{what}_300k", ratios(seconds["300k"], seconds["1k"]), note)
    yield Row(f"{what}_5m", ratios(seconds["5m"], seconds["300k"]), note)
