"""The paper's models and their fit."""

import numpy as np
import pytest

from tests.training.paper.charts import SMALL, build_small_chart
from training.paper.fitting import Data, fit, forecast
from training.paper.matrix import build_matrix
from training.paper.models import build_multi_input, build_recurrent
from training.paper.remakes import build_task, remake_joint, remake_shared


def _inputs(batch: int = 4) -> list[np.ndarray]:
    random = np.random.Generator(np.random.PCG64(2))
    shapes = ((batch, 3, 1), (batch, 13))
    return [random.normal(size=shape).astype(np.float32) for shape in shapes]


def test_the_second_stage_leaves_the_recurrent_part_as_it_is_and_the_joint_training_moves_it() -> None:
    targets = np.ones((4, 1), dtype=np.float32)
    for two_stage in (True, False):
        part = build_recurrent("gru", lookback=3, n_songs=1, units=2)
        before = part.get_layer("recurrent").get_weights()
        model = build_multi_input(part, n_features=13, units=2, two_stage=two_stage)
        net = model.get_layer("hidden").get_weights()
        data = Data(_inputs(), targets)
        fit(model, data, passes=2, passes_per_point=1, batch_size=4, learning_rate=0.1, seed=1)
        after = part.get_layer("recurrent").get_weights()
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True)) == two_stage
        assert not np.array_equal(net[0], model.get_layer("hidden").get_weights()[0])


def test_the_multi_input_model_reads_the_features() -> None:
    part = build_recurrent("lstm", lookback=3, n_songs=1, units=4)
    model = build_multi_input(part, n_features=13, units=8, two_stage=False)
    windows, features = _inputs()
    assert not np.array_equal(forecast(model, [windows, features]), forecast(model, [windows, 0 * features]))


def test_the_same_seed_makes_the_same_forecasts_and_watching_the_test_loss_changes_none() -> None:
    task = build_task(build_matrix(build_small_chart(), n_days=40, min_share=0.9), SMALL, 2)
    watched = remake_joint(task, "lstm", SMALL, with_loss=True)
    unwatched = remake_joint(task, "lstm", SMALL)
    assert watched.test(10) == pytest.approx(unwatched.test(10), rel=1e-5)
    assert watched.loss is not None
    assert watched.loss.passes == [1, 2]
    assert len(watched.loss.test) == 2


def test_shared_weights_treat_songs_alike() -> None:
    """Two songs that are each other's multiple look the same when scaled: so are their forecasts."""
    matrix = build_matrix(build_small_chart(), n_days=40, min_share=0.9).of(np.array([2, 3]))
    matrix.streams[:, 1] = 3 * matrix.streams[:, 0]
    made = remake_shared(build_task(matrix, SMALL, 2), "gru", SMALL, seed=1)
    assert np.isnan(made.forecasts[:2]).all()
    assert made.forecasts[2:, 1] == pytest.approx(3 * made.forecasts[2:, 0], rel=1e-4)
