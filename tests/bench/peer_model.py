"""The model as others would serve it: one track's days read from SQLite, its forecast, nothing else.

It needs numpy and ONNX Runtime alone, so that it runs in environments that have none of the service's parts.
"""

import os
import pickle
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from app.forecasting.forecaster import Forecaster, Run
from app.forecasting.history import Floats, History
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.spec import ForecastSpec
from app.runtime import MarketPart, build_run

VARIABLE = "BENCH_PEER_MODEL"  # the environment names the file
# A table for this one question: no service that does more has it as easy.
TABLE = """
CREATE TABLE track_days (
    track_id TEXT, day INTEGER, streams REAL, position REAL, PRIMARY KEY (track_id, day)
) WITHOUT ROWID
"""
DAYS = "SELECT day, streams, position FROM track_days WHERE track_id = ?"


@dataclass(frozen=True)
class PeerModel:
    """What the forecasts of some tracks need.

    Attributes:
        tracks: Each one's history as of the last day, its streams and positions left out: they are read.
        store: A SQLite file with the table ``track_days``; days count from the first of a history's grid.
        market: Of the region.
        spec: Of the model.
        graph: The model, as it ships.
        market_graph: The market's part of it, likewise.
    """

    tracks: dict[str, History]
    store: Path
    market: MarketCovariates
    spec: ForecastSpec
    graph: bytes
    market_graph: bytes

    def predict(self, track_id: str, run: Run) -> tuple[float, float, float]:
        """Streams of the next day, and the bounds of 80%."""
        forecast = Forecaster(self.spec, run).forecast(self._read_history(track_id), self.market)
        lower, upper = forecast.interval(80)
        return float(forecast.median[0, 0]), float(lower[0, 0]), float(upper[0, 0])

    def build_run(self) -> Run:
        """The graphs, running as the service has them."""
        return build_run(self.graph, MarketPart(self.market_graph, self.spec))

    def _read_history(self, track_id: str) -> History:
        known = self.tracks[track_id]
        series: Floats = np.full((2, *known.streams.shape), np.nan)
        for day, streams, position in self._connection.execute(DAYS, (track_id,)):
            series[:, 0, day] = streams, position
        return replace(known, streams=series[0], positions=series[1])

    @cached_property
    def _connection(self) -> sqlite3.Connection:
        return sqlite3.connect(self.store, check_same_thread=False)


def write_peer_model(
    path: Path,
    histories: Mapping[str, History],
    *,
    market: MarketCovariates,
    spec: ForecastSpec,
    graphs: tuple[bytes, bytes],
) -> None:
    """Write what ``load_peer_model`` reads: the model to ``path``, and beside it a store of the histories."""
    store = path.with_suffix(".db")
    connection = sqlite3.connect(store)
    connection.execute(TABLE)
    for track_id, history in histories.items():
        days = zip(history.streams[0].tolist(), history.positions[0].tolist(), strict=True)
        rows = [(track_id, day, *values) for day, values in enumerate(days) if not np.isnan(values).any()]
        connection.executemany("INSERT INTO track_days VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    unread = {
        track_id: replace(
            history,
            streams=np.full_like(history.streams, np.nan),
            positions=np.full_like(history.positions, np.nan),
        )
        for track_id, history in histories.items()
    }
    path.write_bytes(pickle.dumps(PeerModel(unread, store, market, spec, *graphs)))


def load_peer_model() -> PeerModel:
    """The model that ``BENCH_PEER_MODEL`` names, as the benchmark wrote it."""
    loaded: PeerModel = pickle.loads(Path(os.environ[VARIABLE]).read_bytes())  # noqa: S301 (the benchmark's own)
    return loaded
