"""The model as others would serve it: one track's forecast, the histories in memory.

It needs numpy and ONNX Runtime alone, so that it runs in environments that have none of the service's parts.
"""

import os
import pickle
from dataclasses import dataclass
from pathlib import Path

from app.forecasting.forecaster import Forecaster, Run
from app.forecasting.history import History
from app.forecasting.market_covariates import MarketCovariates
from app.forecasting.spec import ForecastSpec
from app.model_store import MarketPart, build_run

VARIABLE = "BENCH_PEER_MODEL"  # the environment names the file


@dataclass(frozen=True)
class PeerModel:
    """Everything that a forecast needs, read once.

    Attributes:
        histories: Of each track, up to the last day.
        market: Of the region.
        spec: Of the model.
        graph: The model, as it ships.
        market_graph: The market's part of it, likewise.
    """

    histories: dict[str, History]
    market: MarketCovariates
    spec: ForecastSpec
    graph: bytes
    market_graph: bytes

    def predict(self, track_id: str, run: Run) -> tuple[float, float, float]:
        """Streams of the next day, and the bounds of 80%."""
        forecast = Forecaster(self.spec, run).forecast(self.histories[track_id], self.market)
        lower, upper = forecast.interval(80)
        return float(forecast.median[0, 0]), float(lower[0, 0]), float(upper[0, 0])

    def build_run(self) -> Run:
        """The graphs, running as the service has them."""
        return build_run(self.graph, MarketPart(self.market_graph, self.spec))


def load_peer_model() -> PeerModel:
    """The model that ``BENCH_PEER_MODEL`` names, as the benchmark wrote it."""
    loaded: PeerModel = pickle.loads(Path(os.environ[VARIABLE]).read_bytes())  # noqa: S301 (the benchmark's own)
    return loaded
