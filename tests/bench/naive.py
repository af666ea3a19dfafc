"""What users would write: FastAPI, Keras, and ``model.predict()`` in the request.

The charts lie in memory as arrays and the windows are the kernel's own, so that it does less than the usual
one: no database, no scaling by hand, no pandas in the request. ``BENCH_STORE`` names the store that it reads
on start.
"""

import os
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported: its start is chatty

import numpy as np
from fastapi import FastAPI

from app.forecasting.forecaster import model_inputs, to_streams
from app.forecasting.track_covariates import LEAD_IN
from app.forecasting.windows import build_windows
from app.predict.schemas import PredictRequest
from tests.bench.runtime import newest_bundle
from training.bundles import load_keras, start_bundle
from training.data import read_store
from training.models import market  # noqa: F401  registers the layer that the saved model has

MODEL = "lstm"
REGION = "us"

app = FastAPI()
model = load_keras(newest_bundle(MODEL))
spec = start_bundle(newest_bundle(MODEL)).bundle.spec
panel = next(panel for panel in read_store(os.environ["BENCH_STORE"]) if panel.region == REGION)


@app.post("/predict")
def predict(asked: PredictRequest) -> dict[str, Any]:
    """The forecast of one track on the day after the last."""
    track = np.array([panel.track_ids.index(asked.track_id)])
    cutoff = np.array([len(panel.days) - 1])
    history = panel.history(track, cutoff, LEAD_IN + spec.context_length)
    windows = build_windows(history, panel.covariates, spec)
    outputs = model.predict(model_inputs(windows, spec), verbose=0)[:, -1]
    log_last, base = windows.log_last[:, -1], windows.base[:, -1]
    forecast = to_streams(outputs, log_last=log_last, base=base, spec=spec)
    lower, upper = forecast.interval(80)
    return {
        "track_id": asked.track_id,
        "region": asked.region,
        "streams": float(forecast.median[0, 0]),
        "interval": [float(lower[0, 0]), float(upper[0, 0])],
    }
