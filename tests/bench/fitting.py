"""Goal 7: ``training.fit`` over bare Keras on the same arrays, and the making of windows over a plain gather.

``python -m tests.bench.fitting <rounds> <share>`` is a process of its own: it loads TensorFlow.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from tests.bench.processes import CLIENT_CORE, ROOT, SERVER_CORE, on_cores
from tests.bench.report import Row
from tests.bench.setting import Setting, ratios

STRETCHES, WINDOWS = 1024, 20_000
BATCH_SIZE, SEED = 64, 1


def measure(setting: Setting) -> Iterator[Row]:
    """Rows of goal 7."""
    command = [sys.executable, "-m", "tests.bench.fitting", str(setting.rounds), str(setting.share)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with on_cores(SERVER_CORE, CLIENT_CORE):
        ran = subprocess.run(
            command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, timeout=300
        )
    found = json.loads(ran.stdout.splitlines()[-1])  # Keras prints its epochs before
    ours, bare = found["fit"], found["bare"]
    note = f"lstm, second epoch, two cores: {median(ours):,.0f} against {median(bare):,.0f} target steps/s"
    yield Row("fit", ratios(ours, bare), note)
    ours, bare = found["windows"], found["gather"]
    note = f"{found['count'][0]:,.0f} windows: {median(ours) / 1e6:.0f} against {median(bare) / 1e6:.0f} MB/s"
    yield Row("gather", ratios(ours, bare), note)


def _measure_here(setting: Setting) -> dict[str, list[float]]:
    measures = {**_build_fits(setting), **_build_gathers(setting)}
    return setting.interleave(measures) | {"count": [setting.count(WINDOWS)]}


def _build_fits(setting: Setting) -> dict[str, Callable[[], float]]:
    import keras

    from app.forecasting.spec import ForecastSpec
    from training.dataset import TARGET_STEPS, Examples
    from training.fit import FitSettings, fit
    from training.losses import PinballLoss
    from training.models.lstm import build_lstm

    spec, settings = ForecastSpec(), FitSettings(seed=SEED, batch_size=BATCH_SIZE)
    random = np.random.default_rng(SEED)
    count, steps = setting.count(STRETCHES), spec.context_length - 1 + TARGET_STEPS
    examples = Examples(
        {"covariates": random.random((count, steps, len(spec.covariates)), dtype=np.float32)},
        random.normal(size=(count, steps, 2 * spec.horizon)).astype(np.float32),
        np.ones((count, steps), np.float32),
    )

    def ours(model: Any) -> None:
        fit(model, spec, examples, settings=settings, epochs=2)

    def bare(model: Any) -> None:
        loss = PinballLoss(spec.quantile_levels, spec.horizon, settings.horizon_power)
        model.compile(optimizer=keras.optimizers.AdamW(settings.learning_rate), loss=loss)
        inputs, targets, weights = examples.inputs, examples.targets, examples.weights
        model.fit(inputs, targets, BATCH_SIZE, epochs=2, verbose=2, sample_weight=weights, shuffle=False)

    def rate(run: Callable[[Any], None]) -> float:
        return count * TARGET_STEPS / _second_epoch(build_lstm(spec), run)

    return {"fit": lambda: rate(ours), "bare": lambda: rate(bare)}


def _second_epoch(model: Any, run: Callable[[Any], None]) -> float:
    """Seconds of the second epoch: the first one traces the graph."""
    import keras

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, *_: object, **__: object) -> None:
            self.begin = perf_counter()

        def on_epoch_end(self, *_: object, **__: object) -> None:
            self.seconds = perf_counter() - self.begin

    clock, plain = Clock(), model.fit
    model.fit = lambda *given, callbacks=(), **named: plain(*given, callbacks=[*callbacks, clock], **named)
    run(model)
    return float(clock.seconds)


def _build_gathers(setting: Setting) -> dict[str, Callable[[], float]]:
    from app.forecasting.spec import ForecastSpec
    from app.forecasting.track_covariates import LEAD_IN
    from app.forecasting.windows import build_windows
    from tests.panels import build_long_panel

    spec, panel, count = ForecastSpec(), build_long_panel(), setting.count(WINDOWS)
    random = np.random.default_rng(SEED)
    tracks = random.integers(0, len(panel.track_ids), count)
    cutoffs = random.integers(200, len(panel.days), count)
    rows = cutoffs[:, None] - np.arange(spec.context_length)[::-1]
    table = random.random((len(panel.track_ids), len(panel.days), len(spec.covariates)), dtype=np.float32)
    size = count * spec.context_length * len(spec.covariates) * table.itemsize

    def windows() -> None:
        build_windows(panel.history(tracks, cutoffs, LEAD_IN + spec.context_length), panel.covariates, spec)

    def gather() -> None:
        table[tracks[:, None], rows]

    return {"windows": lambda: size / _seconds(windows), "gather": lambda: size / _seconds(gather)}


def _seconds(call: Callable[[], None]) -> float:
    begin = perf_counter()
    call()
    return perf_counter() - begin


if __name__ == "__main__":
    print(json.dumps(_measure_here(Setting(Path(), int(sys.argv[1]), float(sys.argv[2])))))
