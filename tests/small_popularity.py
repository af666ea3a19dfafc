"""A popularity bundle of one layer with drawn weights: made in no time, and every input moves its answer."""

from pathlib import Path

import numpy as np

from app.forecasting.bundle_files import Golden
from app.forecasting.history import Floats
from app.forecasting.popularity import CLASSES, INPUTS, OUTPUTS
from app.forecasting.row_bundle import ROWS, save_row_bundle
from training.dense import Dense
from training.row_models import Layer, build_row_bundle, invent_rows, publish_row_model
from training.systems.popularity.publishing import BLOCKS

MEANINGS = [
    {
        "class": name,
        "from_score": i / 3,
        "to_score": (i + 1) / 3,
        "share": 1 / 3,
        "median_peak_position": 150.0 - 50 * i,
        "median_days_on_chart": 5.0 + 25 * i,
    }
    for i, name in enumerate(CLASSES)
]


def draw_layer() -> Dense:
    """The weights, which no two inputs share."""
    random = np.random.Generator(np.random.PCG64(5))
    return Dense(random.normal(0, 0.2, (len(INPUTS), len(OUTPUTS))), random.normal(0, 0.2, len(OUTPUTS)))


def answer_rows(rows: Floats) -> Floats:
    """What the graph says, in numpy. (rows, inputs) -> (rows, 6)"""
    layer = draw_layer()
    linear = rows @ layer.kernel + layer.bias
    classes = np.exp(linear[:, :3])
    shares = 1 / (1 + np.exp(-linear[:, 3:]))
    return np.concatenate([classes / classes.sum(axis=1, keepdims=True), shares], axis=1)


def publish_small_popularity(models_dir: Path, scratch: Path) -> Path:
    """Publish it as the next version."""
    rows = invent_rows(len(INPUTS))
    bundle = build_row_bundle(
        "popularity",
        inputs=INPUTS,
        blocks=BLOCKS,
        layers=[Layer(draw_layer())],
        golden=Golden({ROWS: rows}, answer_rows(rows.astype(np.float64)).astype(np.float32)),
        trained_through="2020-09-30",
        training={"classes": MEANINGS},
        backtest={},
    )
    save_row_bundle(bundle, scratch / "candidate", {})
    return publish_row_model(scratch / "candidate", models_dir)
