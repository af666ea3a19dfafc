"""A presence bundle of one random layer: made in no time, and no two tracks are answered alike."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from app.forecasting.bundle_files import Golden
from app.forecasting.presence import INPUTS, NAME, OUTPUTS
from app.forecasting.row_bundle import ROWS, RowBundle, save_row_bundle
from training.dense import Dense
from training.row_models import Layer, build_row_bundle, invent_rows
from training.systems.presence.blocks import BLOCKS, N_RANKS


def build_small_presence(version: int = 1) -> RowBundle:
    """The bundle; ``version`` draws its weights."""
    random = np.random.Generator(np.random.PCG64(version))
    dense = Dense(
        random.normal(0, 0.1, (len(INPUTS), len(OUTPUTS))).astype(np.float32), np.zeros(len(OUTPUTS))
    )
    rows = invent_rows(len(INPUTS))
    answers = rows @ dense.kernel
    answers[:, :-N_RANKS] = 1 / (1 + np.exp(-answers[:, :-N_RANKS]))
    return build_row_bundle(
        NAME,
        inputs=INPUTS,
        blocks=BLOCKS,
        layers=[Layer(dense)],
        golden=Golden({ROWS: rows}, answers.astype(np.float32)),
        trained_through="2020-09-30",
        training={"epochs": [1]},
        backtest={"folds": {}},
    )


def publish_small_presence(models_dir: Path, version: int = 1) -> Path:
    """Write it where published bundles are."""
    folder = models_dir / NAME / str(version)
    save_row_bundle(replace(build_small_presence(version), version=version), folder, {})
    return folder
