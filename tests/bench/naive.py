"""What users would write: FastAPI, Keras, and ``model.predict()`` in the request.

Windows are the kernel's own and a track's days come by one statement: it does less than the usual one.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported: its start is chatty

import numpy as np
from fastapi import FastAPI
from numpy.typing import NDArray
from pydantic import BaseModel

from app.forecasting.forecaster import Batch
from tests.bench.peer_model import load_peer_model
from tests.bench.runtime import newest_bundle
from training.bundles import load_keras
from training.models import market  # noqa: F401  registers the layer that the saved model has

app = FastAPI()
model = load_keras(newest_bundle("lstm"))
peer = load_peer_model()


class Asked(BaseModel):
    """A track."""

    track_id: str


class Answer(BaseModel):
    """Streams of the next day, and the bounds of 80%."""

    streams: float
    lower: float
    upper: float


def run(batch: Batch) -> NDArray[np.float32]:
    """The last step of what the model says of every step."""
    said: NDArray[np.float32] = model.predict(dict(batch), verbose=0)[:, -1]
    return said


@app.post("/predict")
def predict(asked: Asked) -> Answer:
    """The forecast of one track on the day after the last."""
    streams, lower, upper = peer.predict(asked.track_id, run)
    return Answer(streams=streams, lower=lower, upper=upper)
