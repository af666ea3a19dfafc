"""The answer to a scrape: what was counted in all workers, and what the store says now."""

import datetime as dt
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from prometheus_client import REGISTRY, ProcessCollector, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.samples import Sample
from sqlalchemy.exc import SQLAlchemyError

from app.database import Database
from app.observability.workers import VARIABLE
from app.repository.batches import read_last_upload
from app.repository.regions import read_regions

PROC = Path("/proc")


@dataclass(frozen=True)
class StoreState:
    """What a scrape tells of the store.

    Attributes:
        up: Whether it could be read.
        last_days: The last chart day of each region.
        last_upload: When the last upload was stored, UTC; None: never.
    """

    up: bool = False
    last_days: dict[str, dt.date] = field(default_factory=dict)
    last_upload: dt.datetime | None = None


def read_store_state(database: Database) -> StoreState:
    """Two small reads; a store that cannot be read is down, and no error."""
    try:
        with database.read() as connection:
            last_days = {state.code: state.last_day for state in read_regions(connection)}
            return StoreState(True, last_days, read_last_upload(connection))
    except SQLAlchemyError:
        return StoreState()


def render_metrics(store: StoreState) -> bytes:
    """Everything there is to tell, in Prometheus' text format."""
    return generate_latest(_Everything(store))


@dataclass(frozen=True)
class _Everything:
    store: StoreState

    def collect(self) -> Iterator[Metric]:
        folder = os.environ.get(VARIABLE)
        yield from REGISTRY.collect() if folder is None else _collect_workers(Path(folder))
        yield from _collect_store(self.store)


def _collect_store(store: StoreState) -> Iterator[Metric]:
    yield GaugeMetricFamily("chartcast_database_up", "Whether the store could be read.", store.up)
    ages = GaugeMetricFamily(
        "chartcast_data_age_days", "Days since the last chart day of a region (UTC).", labels=["region"]
    )
    today = dt.datetime.now(dt.UTC).date()
    for region, last_day in store.last_days.items():
        ages.add_metric([region], (today - last_day).days)
    yield ages
    upload = GaugeMetricFamily(
        "chartcast_last_upload_timestamp_seconds", "When the last upload was stored, in Unix time."
    )
    if store.last_upload is not None:
        upload.add_metric([], store.last_upload.timestamp())
    yield upload


def _collect_workers(folder: Path) -> Iterator[Metric]:
    """What several workers counted, and what the system says of each."""
    pids = {path.stem.rpartition("_")[2] for path in folder.glob("gauge_live*.db")}
    alive = {pid for pid in pids if not PROC.is_dir() or (PROC / pid).is_dir()}
    for pid in pids - alive:  # its gauges go, what it counted stays
        mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
    yield from MultiProcessCollector(None, str(folder)).collect()  # type: ignore[no-untyped-call]
    yield from _merge(_collect_process(pid) for pid in sorted(alive, key=int))


def _collect_process(pid: str) -> Iterator[Metric]:
    for metric in ProcessCollector(pid=lambda: pid, registry=None).collect():
        metric.samples = [
            Sample(sample.name, {**sample.labels, "pid": pid}, sample.value) for sample in metric.samples
        ]
        yield metric


def _merge(processes: Iterable[Iterable[Metric]]) -> Iterable[Metric]:
    """One metric a name, with the samples of all."""
    merged: dict[str, Metric] = {}
    for metric in chain.from_iterable(processes):
        if metric.name in merged:
            merged[metric.name].samples += metric.samples
        else:
            merged[metric.name] = metric
    return merged.values()
