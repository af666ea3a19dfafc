"""What is wanted: the goals of the speed issue, as data. Everything else in this package only measures."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Goal:
    """One row of the table.

    Attributes:
        number: Of the goal in the issue.
        name: What the figure is.
        bound: Whether ``wanted`` is the least or the most that holds.
        wanted: None: the issue names no figure, and the row only tells.
        unit: Of the figure; empty for a ratio.
    """

    number: int
    name: str
    bound: Literal["at least", "at most"]
    wanted: float | None
    unit: str = ""

    def holds(self, figure: float) -> bool | None:
        """Whether ``figure`` reaches the goal; None where none is set."""
        if self.wanted is None:
            return None
        return figure >= self.wanted if self.bound == "at least" else figure <= self.wanted


GOALS = {
    "sqlite_1": Goal(1, "predict over echo, SQLite, 1 connection", "at least", 0.60),
    "sqlite_64": Goal(1, "predict over echo, SQLite, 64 connections", "at least", 0.40),
    "postgres_1": Goal(1, "predict over echo, Postgres, 1 connection", "at least", 0.42),
    "postgres_64": Goal(1, "predict over echo, Postgres, 64 connections", "at least", 0.28),
    "tail_sqlite": Goal(1, "p99 over p50, SQLite, 64 connections", "at most", 3.0),
    "tail_postgres": Goal(1, "p99 over p50, Postgres, 64 connections", "at most", 3.0),
    "batch_cpu": Goal(2, "CPU per track of a batch of 200 over a single request's", "at most", 0.25),
    "region_chart": Goal(2, "a region's whole chart over one single request, time", "at most", 50.0),
    "arithmetic_lstm": Goal(3, "lstm, batch 1, over its arithmetic at GEMM peak, time", "at most", 2.5),
    "arithmetic_gru": Goal(3, "gru, batch 1, over its arithmetic at GEMM peak, time", "at most", 3.3),
    "arithmetic_multi_input": Goal(
        3, "multi_input, batch 1, over its arithmetic at GEMM peak, time", "at most", 3.3
    ),
    "peak_lstm": Goal(3, "lstm, batch of 1,024, share of GEMM peak", "at least", 0.70),
    "peak_gru": Goal(3, "gru, batch of 1,024, share of GEMM peak", "at least", 0.70),
    "peak_multi_input": Goal(3, "multi_input, batch of 1,024, share of GEMM peak", "at least", 0.70),
    "naive": Goal(4, "predict over FastAPI with model.predict(), 16 connections", "at least", 60.0),
    "mlserver": Goal(4, "predict over MLServer, 16 connections", "at least", 1.5),
    "mlserver_tail": Goal(4, "p99 over MLServer's, 16 connections", "at most", 1.0),
    "bentoml": Goal(4, "predict over BentoML, 16 connections", "at least", 1.5),
    "bentoml_tail": Goal(4, "p99 over BentoML's, 16 connections", "at most", 1.0),
    "cold_start": Goal(5, "uvicorn app.main:app to first prediction over bare uvicorn, time", "at most", 5.0),
    "cold_start_run": Goal(5, "make run to first prediction over bare uvicorn, time", "at most", 5.0),
    "memory": Goal(5, "resident memory of a worker", "at most", 130.0, "MB"),
    "workers": Goal(5, "two workers on two cores over one, 64 connections", "at least", 1.7),
    "day_sqlite": Goal(6, "200-row day over HTTP over executemany, rows/s", "at least", 0.5),
    "day_sqlite_by_day": Goal(6, "the same over executemany into a table by day", "at least", None),
    "bulk_sqlite": Goal(6, "bulk over executemany day by day, SQLite, rows/s", "at least", 2.0),
    "bulk_sqlite_by_day": Goal(6, "the same over executemany into a table by day", "at least", None),
    "bulk_postgres": Goal(6, "bulk over COPY, Postgres, rows/s", "at least", 0.8),
    "bulk_postgres_by_day": Goal(6, "the same over COPY into a table by day", "at least", None),
    "bulk_memory": Goal(6, "peak memory of the bulk, SQLite", "at most", None, "MB"),
    "day_1000": Goal(6, "a day after 1,500 days over a day after 5, time", "at most", 1.25),
    "fit": Goal(7, "windows/s of fit over bare Keras", "at least", 0.9),
    "gather": Goal(7, "bytes/s of build_windows over a numpy gather", "at least", 0.5),
    # The issue wants "flat within noise": on a shared machine medians of such small times differ by that.
    "predict_300k": Goal(8, "predict with 300 thousand rows over 1 thousand, time", "at most", 1.25),
    "predict_5m": Goal(8, "predict with 5 million rows over 300 thousand, time", "at most", 1.25),
    "ingest_300k": Goal(8, "daily ingest with 300 thousand rows over 1 thousand, time", "at most", 1.25),
    "ingest_5m": Goal(8, "daily ingest with 5 million rows over 300 thousand, time", "at most", 1.25),
}
