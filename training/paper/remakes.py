"""Forecasts from the matrix, the paper's ways: all songs at once, song by song, with shared weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from app.forecasting.history import Floats
from training.paper.fitting import Data, Loss, fit, forecast
from training.paper.matrix import SongMatrix
from training.paper.models import build_multi_input, build_recurrent
from training.paper.scaling import Scales, fit_scales
from training.paper.settings import PaperSettings
from training.paper.windows import MatrixWindows, cut_windows


@dataclass(frozen=True)
class Remade:
    """Forecasts of a matrix, and the losses of the fit where they were asked for.

    Attributes:
        forecasts: Of each date from those before it; NaN on the first ``lookback`` dates. (dates, songs)
        loss: Of scaled values.
    """

    forecasts: Floats
    loss: Loss | None = None

    def test(self, test_days: int) -> Floats:
        """The forecasts of the test dates."""
        return self.forecasts[-test_days:]


@dataclass(frozen=True)
class Task:
    """A matrix, cut and scaled for models that see ``lookback`` days.

    Attributes:
        training: Windows whose target and days all lie in the training part.
        test: Windows whose target lies in the test part.
    """

    lookback: int
    scales: Scales
    training: MatrixWindows
    test: MatrixWindows

    def unscale(self, training: Floats, test: Floats) -> Floats:
        """Scaled forecasts of both parts as streams, (dates, songs)."""
        unknown = np.full((self.lookback, training.shape[1]), np.nan)
        parts = [unknown, self.scales.training.unscale(training), self.scales.test.unscale(test)]
        return np.concatenate(parts)


def build_task(
    matrix: SongMatrix, settings: PaperSettings, lookback: int, fitted_on: str = "training"
) -> Task:
    """Cut a matrix; ``fitted_on`` says how the scale is fitted (``scaling.fit_scales``)."""
    n_dates = len(matrix.days)
    n_training = n_dates - settings.test_days
    scales = fit_scales(matrix.streams, n_training, fitted_on)
    return Task(
        lookback=lookback,
        scales=scales,
        training=cut_windows(scales.training.scale(matrix.streams), lookback, lookback, n_training),
        test=cut_windows(scales.test.scale(matrix.streams), lookback, n_training, n_dates),
    )


def remake_joint(task: Task, kind: str, settings: PaperSettings, *, with_loss: bool = False) -> Remade:
    """One model that sees all songs of the matrix and forecasts them all."""
    model = _start(kind, task, task.training.targets.shape[1], settings, settings.seeds[0])
    training, test = (Data([w.inputs], w.targets) for w in (task.training, task.test))
    loss = fit(
        model,
        training,
        passes=settings.passes,
        passes_per_point=settings.passes_per_point,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate,
        seed=settings.seeds[0],
        test=test if with_loss else None,
    )
    return Remade(task.unscale(forecast(model, training.inputs), forecast(model, test.inputs)), loss)


def remake_singles(matrix: SongMatrix, kind: str, settings: PaperSettings) -> Remade:
    """A model a song, which sees that song alone."""
    parts = []
    for track in matrix.tracks:
        task = build_task(matrix.of(np.array([track])), settings, settings.lookback)
        parts.append(remake_joint(task, kind, settings).forecasts)
    return Remade(np.concatenate(parts, axis=1))


def remake_shared(task: Task, kind: str, settings: PaperSettings, seed: int) -> Remade:
    """One single-song model with the same weights for all songs."""
    model, loss = _fit_shared(task, kind, settings, seed)
    return _forecast_shared(task, model, None, loss)


def remake_multi_input(
    task: Task, features: NDArray[np.float32], kind: str, settings: PaperSettings, seed: int
) -> dict[str, Remade]:
    """Shared weights with and without the songs' 13 features (songs, 13): the same seed, three trainings.

    In a joint matrix features would be the same in every sample and say nothing; so each sample here is one
    song's window with that song's features.
    """
    recurrent, loss = _fit_shared(task, kind, settings, seed)
    made = {"shared": _forecast_shared(task, recurrent, None, loss)}
    fresh = _start(kind, task, 1, settings, seed)
    for name, part in (("joint", fresh), ("two_stage", recurrent)):
        model = build_multi_input(
            part, n_features=features.shape[1], units=settings.units, two_stage=name == "two_stage"
        )
        loss = _fit_pooled(model, _pool(task.training, features), _pool(task.test, features), settings, seed)
        made[name] = _forecast_shared(task, model, features, loss)
    return made


def _start(kind: str, task: Task, n_songs: int, settings: PaperSettings, seed: int) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return build_recurrent(kind, lookback=task.lookback, n_songs=n_songs, units=settings.units)


def _fit_shared(task: Task, kind: str, settings: PaperSettings, seed: int) -> tuple[keras.Model, Loss]:
    model = _start(kind, task, 1, settings, seed)
    return model, _fit_pooled(model, _pool(task.training, None), _pool(task.test, None), settings, seed)


def _fit_pooled(model: keras.Model, training: Data, test: Data, settings: PaperSettings, seed: int) -> Loss:
    return fit(
        model,
        training,
        passes=settings.pooled_passes,
        passes_per_point=1,
        batch_size=settings.pooled_batch_size,
        learning_rate=settings.learning_rate,
        seed=seed,
        test=test,
    )


def _pool(windows: MatrixWindows, features: NDArray[np.float32] | None) -> Data:
    pooled = windows.pooled()
    if features is None:
        return Data([pooled.inputs], pooled.targets)
    return Data([pooled.inputs, np.tile(features, (len(windows.targets), 1))], pooled.targets)


def _forecast_shared(
    task: Task, model: keras.Model, features: NDArray[np.float32] | None, loss: Loss
) -> Remade:
    training, test = (
        forecast(model, _pool(windows, features).inputs).reshape(windows.targets.shape)
        for windows in (task.training, task.test)
    )
    return Remade(task.unscale(training, test), loss)


def naive_loss(windows: Sequence[MatrixWindows]) -> list[float]:
    """The same squared error of scaled values, of the last day as forecast."""
    return [float(((w.inputs[:, -1] - w.targets) ** 2).mean()) for w in windows]
