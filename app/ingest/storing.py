"""The transaction of an upload: what it changes, and everything that is kept up with it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.ingest.changes import (
    RejectedRows,
    choose_newest_names,
    compare_charts,
    find_neighbours,
    measure_movements,
    refuse_shrunk_charts,
)
from app.ingest.rows import ParsedFile
from app.observability.tracing import traced
from app.repository.batches import insert_batch
from app.repository.chart_change import Chart, ChartChange, DayKey, build_chart
from app.repository.charted_tracks import update_track_regions, upsert_tracks
from app.repository.charts import (
    insert_corrections,
    lock_regions,
    read_charts,
    update_regions,
    upsert_chart_days,
    write_chart_rows,
)
from app.repository.issued_forecasts import delete_outdated_forecasts
from app.repository.statistics import refresh_statistics


@dataclass(frozen=True)
class Plan:
    """What an upload changes, and the charts as they are: of its days and of the days around them."""

    changes: list[ChartChange]
    stored: Mapping[DayKey, Chart]


def plan_changes(connection: Connection, files: Sequence[ParsedFile], *, replace: bool) -> Plan:
    """Compare the upload with the stored charts of its days.

    Raises:
        ConflictError: it would cut a chart short, and ``replace`` does not ask for that.
    """
    # A day is one file's alone (reject_repeated_days).
    uploaded = {
        key: build_chart(chart.track_ids, chart.positions, chart.streams)
        for file in files
        for key, chart in file.charts.items()
    }
    # With their neighbours at once, which the movement needs: one read.
    stored = read_charts(connection, uploaded.keys() | find_neighbours(uploaded))
    rejected = RejectedRows(row for file in files for row in file.rejected)
    changes = compare_charts(uploaded, stored, rejected)
    if not replace:
        refuse_shrunk_charts(changes, stored)
    return Plan(changes, stored)


@traced("ingest.store")
def store_upload(
    connection: Connection, files: Sequence[ParsedFile], *, replace: bool, received_at: dt.datetime
) -> tuple[int, list[ChartChange]]:
    """Store an upload inside the caller's write transaction; return the batch's id and the changes.

    Raises:
        ConflictError: as ``plan_changes``.
    """
    lock_regions(connection, {region for file in files for region, _ in file.charts})
    plan = plan_changes(connection, files, replace=replace)
    upsert_tracks(
        connection, choose_newest_names([chart for file in files for chart in file.charts.values()])
    )
    counts = count_changes(plan.changes)
    batch_id = insert_batch(
        connection,
        received_at=received_at,
        counts=counts | {"rejected": sum(len(file.rejected) for file in files)},
        files=[_describe_file(file) for file in files],
    )
    _write_changes(connection, batch_id, plan)
    refresh_statistics(connection, counts["inserted"])
    return batch_id, plan.changes


def count_changes(changes: Sequence[ChartChange]) -> dict[str, int]:
    """Return how many rows ``changes`` insert, update, leave and remove."""
    return {
        "inserted": sum(len(change.inserted) for change in changes),
        "updated": sum(len(change.updated) for change in changes),
        "unchanged": sum(change.unchanged for change in changes),
        "removed": sum(len(change.removed) for change in changes),
    }


def _describe_file(file: ParsedFile) -> Mapping[str, str | int]:
    return {"name": file.name, "sha256": file.sha256, "format": file.format, "rows": file.count}


def _write_changes(connection: Connection, batch_id: int, plan: Plan) -> None:
    changed = [change for change in plan.changes if change.changed]
    if not changed:
        return
    write_chart_rows(connection, changed)
    insert_corrections(connection, batch_id, changed)
    charts = {**plan.stored, **{change.key: change.after for change in plan.changes}}
    upsert_chart_days(connection, batch_id, changed, measure_movements(changed, charts))
    update_track_regions(connection, changed)
    delete_outdated_forecasts(connection, changed)
    update_regions(connection, changed)
