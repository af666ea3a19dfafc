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
from typing import TYPE_CHECKING, Any

import numpy as np

from app.forecasting.spec import ForecastSpec
from tests.bench.gathering import build_gathers, time_call
from tests.bench.processes import CLIENT_CORE, ROOT, SERVER_CORE, on_cores
from tests.bench.report import Row
from tests.bench.setting import Setting, ratios

if TYPE_CHECKING:
    from training.dataset import Examples

STRETCHES, WINDOWS = 1024, 20_000


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
    measures = {**_build_fits(setting), **build_gathers(setting.count(WINDOWS))}
    return setting.interleave(measures) | {"count": [setting.count(WINDOWS)]}


def _build_fits(setting: Setting) -> dict[str, Callable[[], float]]:
    from training.dataset import TARGET_STEPS
    from training.fit import FitSettings, fit
    from training.models.lstm import build_lstm

    spec, settings = ForecastSpec(), FitSettings()
    examples = _draw_examples(setting.count(STRETCHES), spec)
    targets = len(examples) * TARGET_STEPS

    def ours() -> float:
        model = build_lstm(spec)
        clock = _clock_epochs(model)
        fit(model, spec, examples, settings=settings, epochs=2)
        return targets / float(clock.seconds)

    return {"fit": ours, "bare": lambda: targets / _fit_bare(build_lstm(spec), examples, settings)}


def _draw_examples(count: int, spec: ForecastSpec) -> "Examples":
    from training.dataset import TARGET_STEPS, Examples

    random = np.random.default_rng(1)
    steps = spec.context_length - 1 + TARGET_STEPS
    return Examples(
        {"covariates": random.random((count, steps, len(spec.covariates)), dtype=np.float32)},
        random.normal(size=(count, steps, 2 * spec.horizon)).astype(np.float32),
        np.ones((count, steps), np.float32),
    )


def _fit_bare(model: Any, examples: "Examples", settings: Any) -> float:
    """Seconds of the second epoch of the plainest loop: AdamW, one compiled step, nothing kept."""
    import keras
    import tensorflow as tf

    from training.losses import PinballLoss

    spec = ForecastSpec()
    loss = PinballLoss(spec.quantile_levels, spec.horizon, settings.horizon_power)
    optimizer = keras.optimizers.AdamW(settings.learning_rate)
    optimizer.build(model.trainable_variables)
    arrays = (examples.inputs, examples.targets, examples.weights)
    batches = tf.data.Dataset.from_tensor_slices(arrays).batch(settings.batch_size).prefetch(2)

    @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]  # as Keras' own fit compiles it
    def step(inputs: Any, targets: Any, weights: Any) -> None:
        with tf.GradientTape() as tape:
            value = loss(targets, model(inputs, training=True), sample_weight=weights)
        optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)

    def epoch() -> None:
        for batch in batches:
            step(*batch)

    epoch()
    return time_call(epoch)


def _clock_epochs(model: Any) -> Any:
    """A clock of the model's last epoch: the first one traces the graph."""
    import keras

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, *_: object, **__: object) -> None:
            self.begin = perf_counter()

        def on_epoch_end(self, *_: object, **__: object) -> None:
            self.seconds = perf_counter() - self.begin

    clock, plain = Clock(), model.fit
    model.fit = lambda *given, callbacks=(), **named: plain(*given, callbacks=[*callbacks, clock], **named)
    return clock


if __name__ == "__main__":
    print(json.dumps(_measure_here(Setting(Path(), int(sys.argv[1]), float(sys.argv[2])))))
